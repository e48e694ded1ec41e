/** Pairs of f64 lanes: what the functions computed in f64 are written with. */

// @ts-ignore: decorator
@inline
export function all(value: f64): v128 {
  return f64x2.splat(value);
}

/** p · x + c */
// @ts-ignore: decorator
@inline
export function horner(p: v128, x: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(p, x), all(c));
}

/** The first two lanes as doubles. */
// @ts-ignore: decorator
@inline
export function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

/** The last two lanes as doubles. */
// @ts-ignore: decorator
@inline
export function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
}

/** Four results, rounded. */
// @ts-ignore: decorator
@inline
export function join(lowHalf: v128, highHalf: v128): v128 {
  return v128.shuffle<i64>(
    f32x4.demote_f64x2_zero(lowHalf),
    f32x4.demote_f64x2_zero(highHalf),
    0,
    2,
  );
}

/** The size of the first with the sign of the second, four lanes. */
// @ts-ignore: decorator
@inline
export function copySign(size: v128, sign: v128): v128 {
  return v128.bitselect(sign, size, i32x4.splat(0x80000000));
}

/** 1.5 · 2⁵²: added to a small number, it leaves the nearest integer in the low bits. */
export const MAGIC: f64 = 6755399441055744;
