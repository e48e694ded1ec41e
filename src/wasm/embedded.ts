/** Kernels embedded in the JavaScript, compiled synchronously on first use. */
import { simd } from "../generated/kernels.js";
import { compile, type ModuleProvider } from "./modules.js";

function decode(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16);
  return bytes;
}

const bytes = (): Uint8Array<ArrayBuffer> => decode(simd);

export const embedded: ModuleProvider = { bytes, module: () => compile(bytes()) };
