/** The entry of engines that compile bytes: Node, Deno, Bun, browsers. */
import { setHome } from "./backend.js";
import { checkRelaxedSimd, threadParts, wasmHome } from "./wasm/backend.js";
import { embedded } from "./wasm/embedded.js";
import { setModuleProvider } from "./wasm/modules.js";

setModuleProvider(embedded);
setHome({
  ...wasmHome,
  async withThreads(options) {
    checkRelaxedSimd("init", options.relaxedSimd);
    return (await import("./threads.js")).createThreadedBackend(options, threadParts);
  },
});

export * from "./core.js";
export { createWasmBackend, type WasmOptions, wasm } from "./wasm/backend.js";
