/**
 * The pure-TypeScript backend: the same programs in f32 (bit for bit as WebAssembly) and in f64.
 */
import type { Backend } from "../backend.js";
import { run as runDouble } from "../generated/double/run.js";
import { createArrayBackend, type TsOptions } from "./arrayBackend.js";
import { run as runSingle, WORKSPACE_BYTES } from "./run.js";

/** A backend of its own; `maximumBytes` limits its memory (default: just under 4 GiB). */
export const createTsBackend = (options: TsOptions = {}): Backend =>
  createArrayBackend({ f32: runSingle, f64: runDouble, workspaceBytes: WORKSPACE_BYTES }, options);
