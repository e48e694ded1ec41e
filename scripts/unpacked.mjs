/** Where assembly/unpack.ts takes the text, and how many bytes it may write after the last. */
const TEXT = 12 << 16;
const BEYOND = 32;

/** The modules of a text, which have so many bytes each; `src/wasm/embedded.ts` does the same. */
export function unpacked(module, text, sizes) {
  const total = sizes.reduce((sum, size) => sum + size, TEXT + text.length + BEYOND);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(total / 65536), maximum: 65536 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } });
  new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, TEXT));
  let to = TEXT + text.length;
  return sizes.map((size) => {
    instance.exports.unpack(to, size);
    to += size;
    return Buffer.from(memory.buffer, to - size, size);
  });
}
