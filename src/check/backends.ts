/** Backends of the checks' own, made when one is first asked for. */
import { type Backend, createHomeBackend } from "../backend.js";
import { run as runDouble, WORKSPACE_BYTES } from "../generated/double/run.js";
import { createArrayBackend } from "../ts/arrayBackend.js";

let double: Backend | undefined;
let single: Backend | undefined;

/** Where f64 is computed. */
export function doubleBackend(): Backend {
  double ??= createArrayBackend({ f64: runDouble, workspaceBytes: WORKSPACE_BYTES });
  return double;
}

/** Where f32 is computed: in WebAssembly, or with `chainrule/pure` alone in TypeScript. */
export function singleBackend(): Backend {
  single ??= createHomeBackend();
  return single;
}
