/** The entry of Cloudflare's runtime, which takes a `.wasm` file as a module and compiles no bytes. */
import { setHome } from "./backend.js";
import relaxed from "./kernels.relaxed.wasm";
import simd from "./kernels.wasm";
import { wasmHome } from "./wasm/backend.js";
import { setModuleProvider } from "./wasm/modules.js";

setModuleProvider({
  variants: ["simd", "relaxed"],
  module: (variant) => (variant === "simd" ? simd : relaxed),
});
setHome(wasmHome);

export * from "./core.js";
export { createWasmBackend, type WasmOptions, wasm } from "./wasm/backend.js";
