/** Cases computed by PyTorch, and how a result is compared with them. */
import { readFileSync } from "node:fs";

export interface GoldenTensor {
  readonly name?: string;
  readonly shape: readonly number[];
  readonly dtype: "f32" | "f64" | "i32" | "u8";
  readonly data: Float64Array;
}

export interface GoldenCase {
  readonly name: string;
  readonly op: string;
  // biome-ignore lint/suspicious/noExplicitAny: every op has attributes of its own
  readonly attrs: Record<string, any>;
  readonly inputs: readonly GoldenTensor[];
  readonly outputs: readonly GoldenTensor[];
  readonly cotangents?: readonly (GoldenTensor | null)[];
  readonly input_grads?: readonly (GoldenTensor | null)[];
  readonly tangents?: readonly (GoldenTensor | null)[];
  readonly output_tangents?: readonly (GoldenTensor | null)[];
  readonly torch_f32_err?: {
    readonly outputs: readonly (number | null)[];
    readonly input_grads?: readonly (number | null)[];
  };
  /** A call that must be refused. */
  readonly error?: { readonly type: string; readonly message: string };
}

const arrays = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u8: Uint8Array };

/** This repository's copy of the shared suite. */
export const ownCases = new URL("./", import.meta.url);

/** The cases of `NAME.json` in a folder, all data as f64. */
export function loadGolden<Case = GoldenCase>(name: string, folder: URL = ownCases): Case[] {
  const file = JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
  const raw = file.bin ? readFileSync(new URL(file.bin, folder)) : Buffer.alloc(0);
  const bytes = new Uint8Array(raw).buffer;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes
  const walk = (value: any): any => {
    // JSON has no such numbers, in data nor in attributes.
    if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== "object") return value;
    if (!(value.shape && value.dtype))
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item)]));
    const view = arrays[value.dtype as keyof typeof arrays];
    const data = value.data
      ? Float64Array.from(value.data, Number)
      : Float64Array.from(new view(bytes, value.offset, value.length));
    return { ...value, data };
  };
  return walk(file.cases);
}

const F32_MAX = 3.4e38;

/**
 * Compares with reference values r, of largest finite magnitude R, given PyTorch's own f32 error e:
 * f32 within max(4e, 8·2⁻²³·R, 1e-37), f64 within max(16·2⁻²⁹·e, 64·2⁻⁵²·R, 1e-300); NaN meets NaN,
 * an infinity the same infinity. Returns what is wrong, or undefined.
 */
export function mismatch(
  got: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  want: GoldenTensor,
  precision: "f32" | "f64",
  error: number,
): string | undefined {
  if (String(got.shape) !== String(want.shape))
    return `got shape [${got.shape}], expected [${want.shape}]`;
  if (got.data.length !== want.data.length)
    return `got ${got.data.length} elements, expected ${want.data.length}`;
  let most = 0;
  for (const r of want.data) if (Number.isFinite(r)) most = Math.max(most, Math.abs(r));
  const bound =
    precision === "f32"
      ? Math.max(4 * error, 8 * 2 ** -23 * most, 1e-37)
      : Math.max(16 * 2 ** -29 * error, 64 * 2 ** -52 * most, 1e-300);
  const exact = want.dtype === "i32" || want.dtype === "u8";
  for (const [index, r] of want.data.entries()) {
    const x = got.data[index] as number;
    const beyond = precision === "f32" && Number.isFinite(r) && Math.abs(r) > F32_MAX;
    const close =
      Number.isFinite(r) && !beyond
        ? Math.abs(x - r) <= (exact ? 0 : bound)
        : Object.is(x, beyond ? Math.sign(r) / 0 : r);
    if (!close) return `element ${index}: got ${x}, expected ${r} within ${exact ? 0 : bound}`;
  }
  return undefined;
}
