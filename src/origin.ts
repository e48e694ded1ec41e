/** Where in the user's code something was recorded: the first line of a stack outside the library. */

/** The file and place of a line of a stack, as V8, SpiderMonkey and JavaScriptCore write it. */
const PLACE = /(?:\(|@|at (?:async )?)?([^\s(@]+):(\d+):(\d+)\)?$/;

function stackLines(): string[] {
  const holder = Error as { stackTraceLimit?: number };
  const before = holder.stackTraceLimit;
  // A network of networks is deep; other engines keep all lines anyway.
  if (before !== undefined) holder.stackTraceLimit = 100;
  try {
    return (new Error("where").stack ?? "").split("\n");
  } finally {
    if (before !== undefined) holder.stackTraceLimit = before;
  }
}

const fileOf = (line: string): string | undefined => PLACE.exec(line.trim())?.[1];

/** The folder of the library: the one of this file. */
function libraryFolder(): string | undefined {
  const here = stackLines()
    .map(fileOf)
    .find((file) => file);
  return here?.replace(/[^/]*$/, "");
}

/**
 * "file:line:column" of the innermost caller outside the library; undefined where the stack does not
 * tell, as when a bundler has put both into one file.
 */
export function userLine(): string | undefined {
  const library = libraryFolder();
  if (!library) return undefined;
  for (const line of stackLines()) {
    const place = PLACE.exec(line.trim());
    if (!place || place[1]?.startsWith(library)) continue;
    if (/^(node:|native|<anonymous>|\[native)/.test(place[1] as string)) continue;
    return `${place[1]}:${place[2]}:${place[3]}`;
  }
  return undefined;
}
