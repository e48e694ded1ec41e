// Two threads over shared memory: the bits of one.
import { init } from "chainrule";
import { run as strict } from "./wasm.mjs";

export async function run() {
  await init({ threads: 2 });
  return strict();
}
