/** The kernels, for places that import a `.wasm` file as a module: see `init({ module })`. */
declare const module: WebAssembly.Module;
export default module;
