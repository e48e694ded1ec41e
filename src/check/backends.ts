/** Backends of the checks' own, made when one is first asked for. */
import type { Backend } from "../backend.js";
import { createTsBackend } from "../ts/backend.js";
import { createWasmBackend } from "../wasm/backend.js";

let double: Backend | undefined;
let single: Backend | undefined;

/** Where f64 is computed. */
export function doubleBackend(): Backend {
  double ??= createTsBackend();
  return double;
}

/** Where WebAssembly's f32 is computed. */
export function singleBackend(): Backend {
  single ??= createWasmBackend();
  return single;
}
