import type { Dataset } from "./batches.js";
import { readSource, type Source } from "./source.js";

/**
 * Comma-separated values (RFC 4180): rows end in LF or CRLF, a field in quotes may hold separators,
 * line ends and doubled quotes.
 */
export interface CsvTable {
  /** Names of the columns; "0", "1", … without a header. */
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface CsvOptions {
  /** Whether the first row names the columns; true by default. */
  readonly header?: boolean;
  /** "," by default; "\t" and ";" are common. */
  readonly separator?: string;
}

/** The table of a text. RangeError when rows differ in length; SyntaxError for an open quote. */
export function parseCsv(text: string, options: CsvOptions = {}): CsvTable {
  return parse(text, options, "parseCsv");
}

/** Reads and parses a file or address, gunzipped when gzipped. Errors as `parseCsv` and `readIdx`. */
export async function readCsv(source: Source, options: CsvOptions = {}): Promise<CsvTable> {
  const { bytes, where } = await readSource("readCsv", source);
  return parse(new TextDecoder().decode(bytes), options, where);
}

function parse(text: string, options: CsvOptions, where: string): CsvTable {
  const { header = true, separator = "," } = options;
  if (separator.length !== 1 || separator === '"')
    throw new RangeError(
      `${where}: bad separator: got ${JSON.stringify(separator)}, expected one character`,
    );
  const rows = rowsOf(text, separator, where);
  const [first = []] = rows;
  const wrong = rows.findIndex((row) => row.length !== first.length);
  if (wrong >= 0)
    throw new RangeError(
      `${where}: row ${wrong + 1} differs in length: got ${rows[wrong]?.length} fields, expected ${first.length}`,
    );
  return header
    ? { header: first, rows: rows.slice(1) }
    : { header: first.map((_, column) => String(column)), rows };
}

function rowsOf(text: string, separator: string, where: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length) {
    let field: string;
    if (text[at] === '"') {
      const end = closingQuote(text, at, where, rows.length + 1);
      field = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    } else {
      let end = at;
      while (end < text.length && text[end] !== separator && !/[\r\n]/.test(text[end] as string))
        end++;
      field = text.slice(at, end);
      at = end;
    }
    row.push(field);
    if (text[at] === separator) {
      at++;
      // A separator at the very end is followed by one more field, an empty one.
      if (at === text.length) row.push("");
      else continue;
    }
    if (at < text.length && !/[\r\n]/.test(text[at] as string))
      throw new SyntaxError(
        `${where}: row ${rows.length + 1}: text after a closing quote: got ${JSON.stringify(text[at])}, expected ${JSON.stringify(separator)} or a line end`,
      );
    at += text.startsWith("\r\n", at) ? 2 : 1;
    rows.push(row);
    row = [];
  }
  return rows.filter((fields) => fields.length > 1 || fields[0] !== "");
}

function closingQuote(text: string, open: number, where: string, row: number): number {
  let at = open + 1;
  for (;;) {
    const end = text.indexOf('"', at);
    if (end < 0)
      throw new SyntaxError(
        `${where}: row ${row}: quote is not closed: got the end of the text, expected "`,
      );
    if (text[end + 1] !== '"') return end;
    at = end + 2;
  }
}

export interface CsvDatasetOptions {
  /** The column of the class or of the number to predict. */
  readonly target: string;
  /** Columns of the examples; by default all others. */
  readonly features?: readonly string[];
  /** Whether the target is a class: its distinct texts, sorted, are numbered. True by default. */
  readonly labels?: boolean;
}

/** A dataset of a table's columns, and the names of its classes. */
export function csvDataset(
  table: CsvTable,
  options: CsvDatasetOptions,
): Dataset & { readonly classNames: readonly string[] } {
  const { target, labels = true } = options;
  const column = (name: string): number => {
    const at = table.header.indexOf(name);
    if (at < 0)
      throw new RangeError(
        `csvDataset: no such column: got "${name}", expected one of [${table.header.join(", ")}]`,
      );
    return at;
  };
  const targetAt = column(target);
  const features = options.features ?? table.header.filter((name) => name !== target);
  const columns = features.map(column);
  const { rows } = table;
  const x = new Float32Array(rows.length * columns.length);
  for (const [index, row] of rows.entries())
    for (const [place, at] of columns.entries())
      x[index * columns.length + place] = numberAt(table, row, index, at);
  const common = { x, shape: [columns.length], length: rows.length };
  if (!labels) {
    const y = Float32Array.from(rows, (row, index) => numberAt(table, row, index, targetAt));
    return { ...common, y, classes: 0, classNames: [] };
  }
  const texts = rows.map((row) => row[targetAt] as string);
  const classNames = [...new Set(texts)].sort(byNumberThenText);
  const numbers = new Map(classNames.map((name, label) => [name, label]));
  const y = Int32Array.from(texts, (text) => numbers.get(text) as number);
  return { ...common, y, classes: classNames.length, classNames };
}

const byNumberThenText = (a: string, b: string): number =>
  Number(a) - Number(b) || (a < b ? -1 : a > b ? 1 : 0);

function numberAt(table: CsvTable, row: readonly string[], index: number, at: number): number {
  const text = (row[at] as string).trim();
  const value = Number(text);
  if (text === "" || (Number.isNaN(value) && text.toLowerCase() !== "nan"))
    throw new TypeError(
      `csvDataset: row ${index}, column "${table.header[at]}" is not a number: got ${JSON.stringify(row[at])}, expected one`,
    );
  return value;
}
