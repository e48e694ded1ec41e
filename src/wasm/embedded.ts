/** Kernels embedded in the JavaScript, compiled synchronously on first use. */
import { simd } from "../generated/kernels.js";
import type { ModuleProvider } from "./modules.js";

function decode(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16);
  return bytes;
}

/** A module of one function, (i32) → i8x16.splat → i32x4.extract_lane 0. */
const SIMD_PROBE = "0061736d0100000001060160017f017f030201000a0b010900" + "2000fd0ffd1b000b";

const PURE = 'the same library without WebAssembly is "chainrule/pure"';

/** Why a compilation was refused, and what to do about it. */
export function refusal(cause: unknown, hasSimd: boolean): Error {
  if (!hasSimd)
    return new Error(
      `wasm: the engine has no SIMD: got a refusal of 128-bit instructions, expected an engine of 2021 or later; ${PURE}`,
      { cause },
    );
  return new Error(
    `wasm: compiling the kernels is not allowed here: got "${String(cause)}", expected permission. ` +
      "In a page, add 'wasm-unsafe-eval' to script-src of its Content-Security-Policy. In an edge " +
      'isolate, bundle with the condition "workerd" or "edge-light", or import module from ' +
      `"chainrule/kernels.wasm" and call init({ module }). Otherwise, ${PURE}`,
    { cause },
  );
}

function hasSimd(): boolean {
  try {
    return WebAssembly.validate(decode(SIMD_PROBE));
  } catch {
    // A policy that forbids WebAssembly may forbid this too: it is then the policy that is named.
    return true;
  }
}

const bytes = (): Uint8Array<ArrayBuffer> => decode(simd);

export const embedded: ModuleProvider = {
  bytes,
  module() {
    if (typeof WebAssembly === "undefined")
      throw new Error(`wasm: the engine has no WebAssembly: expected one that has it; ${PURE}`);
    try {
      return new WebAssembly.Module(bytes());
    } catch (cause) {
      throw refusal(cause, hasSimd());
    }
  },
};
