/** Kernels embedded in the JavaScript, compiled synchronously on first use. */
import { relaxed, simd } from "../generated/kernels.js";
import { compile, type ModuleProvider } from "./modules.js";

/**
 * The bytes that hexadecimal text stands for, four digits at a time where the runtime does not know
 * how: it is part of the first use.
 * The low four bits of a digit's code are its value, less 9 for a letter, whose bit 6 is set.
 */
function decode(hex: string): Uint8Array<ArrayBuffer> {
  const { Buffer: builtIn } = globalThis as { Buffer?: typeof Buffer };
  if (builtIn) return Uint8Array.from(builtIn.from(hex, "hex"));
  const words = new Uint32Array(Math.ceil(hex.length / 4));
  new TextEncoder().encodeInto(hex, new Uint8Array(words.buffer));
  const pairs = new Uint16Array(words.length);
  for (let index = 0; index < words.length; index++) {
    const four = words[index] as number;
    const digits = (four & 0x0f0f0f0f) + 9 * ((four >>> 6) & 0x01010101);
    pairs[index] =
      ((digits & 15) << 4) |
      ((digits >>> 8) & 15) |
      (((digits >>> 16) & 15) << 12) |
      ((digits >>> 24) << 8);
  }
  return new Uint8Array(pairs.buffer, 0, hex.length / 2);
}

const texts = { simd, relaxed };

export const embedded: ModuleProvider = {
  variants: ["simd", "relaxed"],
  bytes: (variant) => decode(texts[variant]),
  module: (variant) => compile(decode(texts[variant])),
};
