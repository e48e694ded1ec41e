/** "a, b or c" */
export const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;

/**
 * Options are an object, with no name but the `known` ones: a number in its place, or a misspelt
 * name, would silently do nothing.
 */
export function checkOptions(op: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`${op}: bad options: got ${describe(options)}, expected an object`);
  for (const key of Object.keys(options))
    if (!known.includes(key))
      throw new TypeError(`${op}: unknown option: got ${key}, expected ${listed(known)}`);
}

/** Refuses a tensor, or anything else, in place of a function of one. */
export function checkFunction(op: string, fn: unknown): void {
  if (typeof fn !== "function")
    throw new TypeError(
      `${op}: no function: got ${describe(fn)}, expected one, as in ${op}((x) => …)`,
    );
}

/** Refuses what is none of the `known` words. */
export function checkWord(op: string, what: string, word: unknown, known: readonly string[]): void {
  if (!known.includes(word as string))
    throw new TypeError(
      `${op}: unknown ${what}: got ${describe(word)}, expected ${listed(known.map(describe))}`,
    );
}

/** "a Map", "an Object": those with U, as Uint8Array and URL, begin with a consonant when read out. */
const withArticle = (name: string): string => `${/^[AEIO]/i.test(name) ? "an" : "a"} ${name}`;

/** What something is, as errors tell it: "an array of 3", "a Map", "2.5". */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object") return withArticle(value.constructor?.name || "object");
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "number" ? String(value) : withArticle(typeof value);
}

/** A hyper-parameter as it is about to be used: finite and not negative. */
export function checkRate(op: string, name: string, value: number): number {
  if (!(typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new RangeError(
      `${op}: bad ${name}: got ${describe(value)}, expected a finite number ≥ 0`,
    );
  return value;
}
