/**
 * Where the compiled kernels come from. Each entry of the package names one provider: bytes
 * embedded in the JavaScript, or a `.wasm` file imported as a module where isolates refuse to
 * compile bytes. `init({ module })` goes before both.
 */
import { instantiateSync } from "@assemblyscript/loader";
import { kernelId } from "../generated/kernelId.js";

export interface ModuleProvider {
  readonly variants: readonly Variant[];
  /** A compiled module; kept by the caller. */
  module(variant: Variant): WebAssembly.Module;
  /** What it is compiled from, where that is at hand. */
  bytes?(variant: Variant): Uint8Array<ArrayBuffer>;
}

/** The strict kernels, or the products that fuse multiply-adds. */
export type Variant = "simd" | "relaxed";

const PURE = 'the same library without WebAssembly is "chainrule/pure"';

let provider: ModuleProvider | undefined;
const compiled = new Map<Variant, WebAssembly.Module>();

export function setModuleProvider(source: ModuleProvider): void {
  provider ??= source;
}

/** Also true of modules from another realm, which `instanceof` does not know. */
const isModule = (value: unknown): value is WebAssembly.Module =>
  Object.prototype.toString.call(value) === "[object WebAssembly.Module]";

/** What the build wrote into the module; empty where there is nothing. */
const idOf = (module: WebAssembly.Module): string =>
  WebAssembly.Module.customSections(module, "chainrule")
    .map((bytes) => String.fromCharCode(...new Uint8Array(bytes)))
    .join();

/** Takes the kernels from a module that the user compiled. */
export function useModule(module: unknown): void {
  if (!isModule(module))
    throw new TypeError(
      `init: module is of the wrong kind: got ${Object.prototype.toString.call(module)}, expected a ` +
        'WebAssembly.Module, as from import module from "chainrule/kernels.wasm" where bundlers ' +
        "make that a module, or from await WebAssembly.compileStreaming(fetch(url))",
    );
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  const id = idOf(module);
  if (id !== kernelId)
    throw new TypeError(
      `init: module is not that of the kernels: got ${id ? `kernels ${id}` : `exports [${names.join(", ")}]`}, ` +
        `expected kernels ${kernelId}, chainrule/kernels.wasm of this version as it is`,
    );
  compiled.set(names.includes("product") ? "relaxed" : "simd", module);
}

export const offers = (variant: Variant): boolean =>
  compiled.has(variant) || provider?.variants.includes(variant) === true;

export function kernelModule(variant: Variant): WebAssembly.Module {
  if (typeof WebAssembly === "undefined")
    throw new Error(`wasm: the engine has no WebAssembly: expected one that has it; ${PURE}`);
  const known = compiled.get(variant);
  if (known) return known;
  if (!provider) throw new Error('wasm: no kernels: expected an import of "chainrule"');
  const module = provider.module(variant);
  compiled.set(variant, module);
  return module;
}

/** The bytes of the kernels; undefined where only a module is known. */
export const kernelBytes = (variant: Variant): Uint8Array<ArrayBuffer> | undefined =>
  provider?.bytes?.(variant);

/** A module of one function: (i32) → i8x16.splat → i32x4.extract_lane 0. */
const SIMD_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0],
  ...[10, 11, 1, 9, 0, 32, 0, 253, 15, 253, 27, 0, 11],
);

function hasSimd(): boolean {
  try {
    return WebAssembly.validate(SIMD_PROBE);
  } catch {
    // A policy that forbids WebAssembly may forbid this too: it is then the policy that is named.
    return true;
  }
}

/** Why a compilation was refused, and what to do about it. */
function refusal(cause: unknown): Error {
  if (!hasSimd())
    return new Error(
      `wasm: the engine has no SIMD: got a refusal of 128-bit instructions, expected an engine of 2021 or later; ${PURE}`,
      { cause },
    );
  return new Error(
    `wasm: compiling the kernels is not allowed here: got "${String(cause)}", expected permission. ` +
      "In a page, add 'wasm-unsafe-eval' to script-src of its Content-Security-Policy. In an edge " +
      'isolate, bundle with the condition "workerd" or "edge-light", or import module from ' +
      `"chainrule/kernels.wasm" and call init({ module }). Otherwise, ${PURE}`,
    { cause },
  );
}

export function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw refusal(cause);
  }
}

export function instantiate(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
): WebAssembly.Instance {
  try {
    // The loader knows modules of this realm only; a sandbox may hand over one of another.
    return module instanceof WebAssembly.Module
      ? instantiateSync(module, imports).instance
      : new WebAssembly.Instance(module, imports);
  } catch (cause) {
    // WebKit compiles under any policy, and refuses here.
    if (cause instanceof WebAssembly.LinkError || cause instanceof RangeError) throw cause;
    throw refusal(cause);
  }
}
