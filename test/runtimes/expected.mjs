import { readFileSync } from "node:fs";

/**
 * SHA-256 of the weights that the digits run ends with: the same on every machine, engine and
 * build; it changes only when the numerics do, on purpose.
 */
export const DIGITS = readFileSync(new URL("../digits.sha256", import.meta.url), "utf8").trim();
