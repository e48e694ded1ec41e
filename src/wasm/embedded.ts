/** Kernels embedded in the JavaScript, compiled synchronously on first use. */
import { relaxed, simd, unpack } from "../generated/kernels.js";
import { compile, instantiate, type ModuleProvider } from "./modules.js";

/** How many bytes, and the text that stands for them. */
interface Embedded {
  readonly bytes: number;
  readonly text: string;
}

const PAGE = 65536;
/** Where `assembly/unpack.ts` takes the text; its tables come before. */
const TEXT = 2048;

/** The bytes of a text, made by a module that is small enough to be plain base64. */
function decode({ bytes, text }: Embedded): Uint8Array<ArrayBuffer> {
  const end = TEXT + text.length;
  const memory = new WebAssembly.Memory({
    initial: Math.ceil((end + bytes) / PAGE),
    maximum: 16,
  });
  new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, TEXT));
  const module = compile(Uint8Array.from(atob(unpack), (character) => character.charCodeAt(0)));
  const exports = instantiate(module, { env: { memory } }).exports as {
    unpack(text: number, end: number): void;
  };
  exports.unpack(TEXT, end);
  return new Uint8Array(memory.buffer.slice(end, end + bytes));
}

const texts = { simd, relaxed };

export const embedded: ModuleProvider = {
  variants: ["simd", "relaxed"],
  bytes: (variant) => decode(texts[variant]),
  module: (variant) => compile(decode(texts[variant])),
};
