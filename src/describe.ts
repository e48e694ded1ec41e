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
