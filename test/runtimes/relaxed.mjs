// Multiply-adds that round once, where the engine has them: not these bits, but nearly these values.
import { init } from "chainrule";
import { run as strict } from "./wasm.mjs";

export function run() {
  init({ relaxedSimd: true });
  return strict();
}
