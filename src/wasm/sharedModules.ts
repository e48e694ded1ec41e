/** The kernels over shared memory, for several threads: the same bytes but for one flag. */
import type { ThreadParts } from "./backend.js";
import type { KernelModules } from "./kernels.js";
import type { Variant } from "./modules.js";

/**
 * Turns the imported memory of a module into a shared one: of the import section's entries [module,
 * name, kind, …], that of kind 2 has limits whose flag 1 (a maximum) becomes 3 (shared as well).
 */
export function toShared(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = module.slice();
  let at = 8;
  const integer = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  const skipName = (): void => {
    const length = integer();
    at += length;
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const end = integer() + at;
    for (let entries = section === 2 ? integer() : 0; entries > 0; entries--) {
      skipName();
      skipName();
      const kind = bytes[at++];
      if (kind === 0) integer();
      else if (kind === 2 && bytes[at] === 1) {
        bytes[at] = 3;
        return bytes;
      } else break;
    }
    at = end;
  }
  throw new Error("threads: the module imports no memory with a maximum: expected one");
}

/** It takes bytes to make them. */
export function sharedModules(
  fused: boolean,
  { compile, kernelBytes }: ThreadParts,
): KernelModules {
  const shared = (variant: Variant): WebAssembly.Module => {
    const bytes = kernelBytes(variant);
    if (!bytes)
      throw new Error(
        "threads: the kernels are known as a module only: expected their bytes, as embedded in the package",
      );
    return compile(toShared(bytes));
  };
  return { simd: shared("simd"), ...(fused && { relaxed: shared("relaxed") }) };
}
