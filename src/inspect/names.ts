/** Names for variables of written code. */
import { LIBRARY } from "./tensorCode.js";

// biome-ignore format: a list
const RESERVED = new Set([
  "arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default",
  "delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function",
  "if", "implements", "import", "in", "instanceof", "interface", "let", "new", "null", "package",
  "private", "protected", "public", "return", "static", "super", "switch", "this", "throw", "true",
  "try", "typeof", "undefined", "var", "void", "while", "with", "yield", "Math", "NaN", "Infinity",
]);

/** Names that TypeScript takes, each once. */
export class Names {
  readonly #taken = new Set([...RESERVED, ...LIBRARY]);

  make(label: string): string {
    const word = label.replaceAll(/[^\p{L}\p{N}_$]/gu, "_");
    let name = /^\d/.test(word) ? `_${word}` : word;
    while (this.#taken.has(name)) name += "_";
    this.#taken.add(name);
    return name;
  }
}
