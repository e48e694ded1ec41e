/** The entry of engines that compile bytes: Node, Deno, Bun, browsers. */
import { setHome } from "./backend.js";
import { wasmHome } from "./wasm/backend.js";
import { embedded } from "./wasm/embedded.js";
import { setModuleProvider } from "./wasm/modules.js";
import { createThreadedBackend } from "./wasm/threads.js";

setModuleProvider(embedded);
setHome({ ...wasmHome, withThreads: createThreadedBackend });

export * from "./core.js";
export { createWasmBackend, type WasmOptions, wasm } from "./wasm/backend.js";
