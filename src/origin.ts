/** Where in the user's code something was recorded: the first line of a stack outside the library. */

/** The file and place of a line of a stack, as V8, SpiderMonkey and JavaScriptCore write it. */
const PLACE = /(?:\(|@|at (?:async )?)?([^\s(@]+):(\d+):(\d+)\)?$/;
const INTERNAL = /^(node:|native|<anonymous>|\[native)/;
/** Lines of a stack that are read at first: what takes the time is to walk it. */
const NEAR = 24;
/** A network of networks is deep. */
const ALL = 100;

/** What V8 offers to read a stack without writing it out, which takes most of the time. */
interface StackFrame {
  getFileName(): string | null | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
}
type Prepare = (error: Error, frames: readonly StackFrame[]) => unknown;
interface StackHolder {
  stackTraceLimit?: number;
  prepareStackTrace?: Prepare | undefined;
}

/** A new stack of so many lines: as text, or as what `prepare` makes of it where the engine asks. */
function stackOf(lines: number, prepare?: Prepare): unknown {
  const holder = Error as unknown as StackHolder;
  const { stackTraceLimit: limit, prepareStackTrace: before } = holder;
  // Other engines keep all lines anyway.
  if (limit !== undefined) holder.stackTraceLimit = lines;
  if (prepare) holder.prepareStackTrace = prepare;
  try {
    return new Error("where").stack;
  } finally {
    if (limit !== undefined) holder.stackTraceLimit = limit;
    if (prepare) holder.prepareStackTrace = before;
  }
}

/** The library's folder from this file's name. */
const folderOf = (file: string): string => file.replace(/[^/]*$/, "");

/** The first of some files outside the library; this one's comes before all. */
function outside<Line>(
  lines: readonly Line[],
  fileOf: (line: Line) => string | null | undefined,
): Line | undefined {
  let library: string | undefined;
  return lines.find((line) => {
    const file = fileOf(line);
    if (!file) return false;
    library ??= folderOf(file);
    return !file.startsWith(library) && !INTERNAL.test(file);
  });
}

/** From a stack that is written out. */
function textLine(): string | undefined {
  const lines = String(stackOf(ALL) ?? "").split("\n");
  const line = outside(lines, (text) => PLACE.exec(text.trim())?.[1]);
  const place = line && PLACE.exec(line.trim());
  return place ? `${place[1]}:${place[2]}:${place[3]}` : undefined;
}

/** Lines as stacks write them, by source maps it may be, by the frames they were found at. */
const written = new Map<string, string | undefined>();

/**
 * "file:line:column" of the innermost caller outside the library; undefined where the stack does not
 * tell, as when a bundler has put both into one file.
 */
export function userLine(): string | undefined {
  let frame: StackFrame | undefined;
  for (const lines of [NEAR, ALL]) {
    const frames = stackOf(lines, (_, list) => list);
    if (!Array.isArray(frames)) return textLine();
    frame = outside(frames as readonly StackFrame[], (one) => one.getFileName());
    if (frame || frames.length < lines) break;
  }
  const key = frame
    ? `${frame.getFileName()}:${frame.getLineNumber()}:${frame.getColumnNumber()}`
    : "";
  if (!written.has(key)) written.set(key, textLine());
  return written.get(key);
}
