/** The kernels, for places that import a `.wasm` file as a module: see `init({ module })`. */
import type { KernelModule } from "./index.js";

declare const module: KernelModule;
export default module;
