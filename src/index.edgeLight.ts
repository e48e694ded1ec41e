/** The entry of edge functions whose bundlers take `.wasm?module` and whose isolates compile no bytes. */
import { setHome } from "./backend.js";
import module from "./kernels.wasm?module";
import { wasmHome } from "./wasm/backend.js";
import { setModuleProvider } from "./wasm/modules.js";

setModuleProvider({ module: () => module });
setHome(wasmHome);

export * from "./core.js";
export { createWasmBackend, wasm } from "./wasm/backend.js";
