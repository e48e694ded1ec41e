/** Kernels embedded in the JavaScript, compiled synchronously on first use. */
import { sizes, text, unpack } from "../generated/kernels.js";
import { compile, instantiate, type ModuleProvider } from "./modules.js";

const PAGE = 65536;
/** Where `assembly/unpack.ts` takes the text; its tables come before. */
const TEXT = 12 * PAGE;
/** So many bytes it may write after the last. */
const BEYOND = 32;

/** The bytes of base64; a loop, since `from` with a function takes twice as long when run once. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const characters = atob(base64);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
  return bytes;
}

/** The bytes of a build, made by a module that is small enough to be plain base64. */
function decode(variant: keyof typeof sizes): Uint8Array<ArrayBuffer> {
  let from = TEXT + text.length;
  const pages = Math.ceil((from + sizes.simd + sizes.relaxed + BEYOND) / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, TEXT));
  const exports = instantiate(compile(bytesOf(unpack)), { env: { memory } }).exports as {
    unpack(to: number, bytes: number): void;
  };
  exports.unpack(from, sizes.simd);
  if (variant === "relaxed") {
    // Said in terms of the other, which comes first.
    from += sizes.simd;
    exports.unpack(from, sizes.relaxed);
  }
  return new Uint8Array(memory.buffer, from, sizes[variant]);
}

export const embedded: ModuleProvider = {
  variants: ["simd", "relaxed"],
  bytes: decode,
  module: (variant) => compile(decode(variant)),
};
