/** Columns that stand below one another. */
const width = (text: string): number => [...text].length;

/** Rows of equally many cells as lines; the columns in `right` are aligned at their ends. */
export function tableText(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => width(row[at] as string))),
  );
  const cell = (text: string, at: number): string => {
    const space = " ".repeat((widths[at] as number) - width(text));
    return right.includes(at) ? space + text : text + space;
  };
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}
