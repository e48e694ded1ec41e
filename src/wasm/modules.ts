/**
 * Where the compiled kernels come from. Each entry of the package names one provider: bytes
 * embedded in the JavaScript, or a `.wasm` file imported as a module where isolates refuse to
 * compile bytes. `init({ module })` goes before both.
 */
export interface ModuleProvider {
  /** A compiled module; kept by the caller. */
  module(): WebAssembly.Module;
  /** What it is compiled from, where that is at hand. */
  bytes?(): Uint8Array<ArrayBuffer>;
}

let provider: ModuleProvider | undefined;
let compiled: WebAssembly.Module | undefined;

export function setModuleProvider(source: ModuleProvider): void {
  provider ??= source;
}

/** Also true of modules from another realm, which `instanceof` does not know. */
const isModule = (value: unknown): value is WebAssembly.Module =>
  Object.prototype.toString.call(value) === "[object WebAssembly.Module]";

/** Takes the kernels from a module that the user compiled. */
export function useModule(module: unknown): void {
  if (!isModule(module))
    throw new TypeError(
      `init: module is of the wrong kind: got ${Object.prototype.toString.call(module)}, expected a ` +
        'WebAssembly.Module, as from import module from "chainrule/kernels.wasm" where bundlers ' +
        "make that a module, or from await WebAssembly.compileStreaming(fetch(url))",
    );
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  if (!names.includes("run") || !names.includes("workspaceBytes"))
    throw new TypeError(
      `init: module is not that of the kernels: got exports [${names.join(", ")}], ` +
        "expected chainrule/kernels.wasm of this version",
    );
  compiled = module;
}

export function kernelModule(): WebAssembly.Module {
  if (!compiled) {
    if (!provider) throw new Error('wasm: no kernels: expected an import of "chainrule"');
    compiled = provider.module();
  }
  return compiled;
}

/** The bytes of the kernels; undefined where only a module is known. */
export const kernelBytes = (): Uint8Array<ArrayBuffer> | undefined => provider?.bytes?.();
