/** Kernels embedded in the JavaScript, compiled synchronously on first use. */
import { relaxed, simd } from "../generated/kernels.js";
import { compile, type ModuleProvider } from "./modules.js";

/** How many bytes, and the text of them. */
interface Embedded {
  readonly bytes: number;
  readonly text: string;
}

const SYMBOLS = 259;
const SPLAT4 = 256;
const KNOWN = 258;
/** The characters that may be alone; each stands for two more symbols after either of two others. */
const CHARACTERS = Array.from({ length: 92 }, (_, index) => 35 + index).filter(
  (code) => code !== 60 && code !== 92,
);
const GROUP = 128;

/** The symbol of each character, and of each pair in a group of its own. */
function tableOf(text: string): Uint16Array {
  const { length } = CHARACTERS;
  const short = CHARACTERS.map((_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 36),
  );
  const all = new Set([...short, ...Array(SYMBOLS).keys()]);
  const table = new Uint16Array(3 * GROUP);
  for (const [index, symbol] of [...all].entries())
    table[Math.floor(index / length) * GROUP + (CHARACTERS[index % length] as number)] = symbol;
  return table;
}

/** The bytes of a text: `scripts/embedKernels.mjs` writes and describes it. */
export function decode({ bytes, text }: Embedded): Uint8Array<ArrayBuffer> {
  const table = tableOf(text);
  const codes = new TextEncoder().encode(text);
  const out = new Uint8Array(bytes);
  const constants: number[] = [];
  let to = 0;
  let group = 0;
  let size = 0;
  let left = 0;
  let known = false;
  for (let at = 2 * CHARACTERS.length; at < codes.length; at++) {
    const code = codes[at] as number;
    if (code < 34) {
      group = (code - 31) * GROUP;
      continue;
    }
    const symbol = table[group + code] as number;
    group = 0;
    if (symbol === KNOWN) known = true;
    else if (symbol >= SPLAT4) {
      constants.push(to);
      out[to++] = 0xfd;
      out[to++] = 0x0c;
      left = size = symbol === SPLAT4 ? 4 : 8;
    } else if (known) {
      known = false;
      const from = constants[symbol] as number;
      for (const end = to + 18, step = to - from; to < end; to++) out[to] = out[to - step] as number;
    } else {
      out[to++] = symbol;
      if (left > 0 && --left === 0)
        for (const end = to + 16 - size; to < end; to++) out[to] = out[to - size] as number;
    }
  }
  return out;
}

const texts = { simd, relaxed };

export const embedded: ModuleProvider = {
  variants: ["simd", "relaxed"],
  bytes: (variant) => decode(texts[variant]),
  module: (variant) => compile(decode(texts[variant])),
};
