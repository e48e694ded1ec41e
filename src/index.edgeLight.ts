/** The entry of edge functions whose bundlers take `.wasm?module` and whose isolates compile no bytes. */
import { setHome } from "./backend.js";
import simd from "./kernels.wasm?module";
import { wasmHome } from "./wasm/backend.js";
import { setModuleProvider } from "./wasm/modules.js";

// The strict kernels only: some hosts compile every import ahead, in engines without relaxed SIMD.
setModuleProvider({ variants: ["simd"], module: () => simd });
setHome(wasmHome);

export * from "./core.js";
export { createWasmBackend, type WasmOptions, wasm } from "./wasm/backend.js";
