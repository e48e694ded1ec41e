/** One tensor of a saved state, and the checks that reading and writing share. */

/** In the reference implementation's order, which is that of the alignment. */
export const ARRAYS = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  I16: Int16Array,
  U16: Uint16Array,
  I32: Int32Array,
  U32: Uint32Array,
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
} as const;
export const DTYPES = Object.keys(ARRAYS) as StateDtype[];
/** Types of the format for which JavaScript has no typed array everywhere. */
const WITHOUT_ARRAY = ["F16", "BF16", "F8_E4M3", "F8_E5M2"];

export type StateDtype = keyof typeof ARRAYS;
export type StateData = InstanceType<(typeof ARRAYS)[StateDtype]>;

export interface StateEntry {
  readonly shape: readonly number[];
  readonly dtype: StateDtype;
  /** The typed array of `dtype`: BigInt64Array for I64, Uint8Array of 0 and 1 for BOOL. */
  readonly data: StateData;
}

export function checkDtype(where: string, dtype: unknown): asserts dtype is StateDtype {
  if (DTYPES.includes(dtype as StateDtype)) return;
  const known = WITHOUT_ARRAY.includes(dtype as string);
  throw new TypeError(
    `${where}: dtype is ${known ? "not supported" : "unknown"}: got ${JSON.stringify(dtype)}, ` +
      `expected one of ${DTYPES.join(" ")}${known ? "; convert it to F32 first" : ""}`,
  );
}

export function checkShape(where: string, shape: unknown): asserts shape is readonly number[] {
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw new TypeError(
      `${where}: bad shape: got ${JSON.stringify(shape)}, expected non-negative integers`,
    );
}

export function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

export function checkMetadata(
  op: string,
  metadata: unknown,
): asserts metadata is Record<string, string> {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))
    throw new TypeError(
      `${op}: metadata is no object: got ${kindOf(metadata)}, expected strings by name`,
    );
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== "string")
      throw new TypeError(
        `${op}: metadata ${JSON.stringify(key)} is no string: got ${kindOf(value)}, ` +
          "expected a string",
      );
}

/** Asks nothing of the value itself: a parsed object may have a key named constructor. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Object.prototype.toString.call(value).slice(8, -1);
}
