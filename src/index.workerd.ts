/** The entry of Cloudflare's runtime, which takes a `.wasm` file as a module and compiles no bytes. */
import { setHome } from "./backend.js";
import module from "./kernels.wasm";
import { wasmHome } from "./wasm/backend.js";
import { setModuleProvider } from "./wasm/modules.js";

setModuleProvider({ module: () => module });
setHome(wasmHome);

export * from "./core.js";
export { createWasmBackend, wasm } from "./wasm/backend.js";
