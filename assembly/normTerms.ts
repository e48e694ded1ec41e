import { loadLanes } from "./lanes";

/**
 * What batch normalisation adds up and writes, on four lanes: classes with inlined methods, so that
 * a tail is computed by the expression of the body.
 */

/** A term of the mean and of dBeta: x, or dy in its place. */
@unmanaged
export class Value {
  // @ts-ignore: decorator
  @inline
  at(
    x: usize, _dy: usize, count: usize, _mean: v128, _rstd: v128, _gamma: v128, _beta: v128,
  ): v128 {
    return loadLanes(x, count);
  }
}

/** A term of the variance: (x − mean)² */
@unmanaged
export class SquaredDeviation {
  // @ts-ignore: decorator
  @inline
  at(
    x: usize, _dy: usize, count: usize, mean: v128, _rstd: v128, _gamma: v128, _beta: v128,
  ): v128 {
    const d = f32x4.sub(loadLanes(x, count), mean);
    return f32x4.mul(d, d);
  }
}

/** A term of dBeta: what comes through of dy. */
@unmanaged
export class Passed {
  // @ts-ignore: decorator
  @inline
  at(x: usize, dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, limit: v128): v128 {
    return passed(loadLanes(dy, count), normalized(loadLanes(x, count), mean, rstd), gamma, limit);
  }
}

/** A term of dGamma: the same, times xhat. */
@unmanaged
export class PassedTimesXhat {
  // @ts-ignore: decorator
  @inline
  at(x: usize, dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, limit: v128): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    return f32x4.mul(passed(loadLanes(dy, count), xhat, gamma, limit), xhat);
  }
}

/** xhat = (x − mean) · rstd */
// @ts-ignore: decorator
@inline
export function normalized(x: v128, mean: v128, rstd: v128): v128 {
  return f32x4.mul(f32x4.sub(x, mean), rstd);
}

/**
 * What a relu after the norm lets through of dy: 0 where y = xhat · gamma + beta ≤ 0, which is
 * where xhat · gamma ≤ −beta, since a sum is rounded to 0 only if it is 0.
 */
// @ts-ignore: decorator
@inline
export function passed(dy: v128, xhat: v128, gamma: v128, limit: v128): v128 {
  return v128.andnot(dy, f32x4.le(f32x4.mul(xhat, gamma), limit));
}

/**
 * That limit in lanes: −beta. NaN, under which nothing is, where there is no beta, as no relu comes
 * after the norm, and where it is Infinity; where it is −Infinity, the greatest number, as
 * Infinity − Infinity is not ≤ 0.
 */
// @ts-ignore: decorator
@inline
export function limitAt(beta: usize, at: usize, count: usize): v128 {
  const infinity = f32x4.splat(Infinity);
  const b = beta ? loadLanes(beta + at, count) : infinity;
  const limit = v128.or(f32x4.neg(b), f32x4.eq(b, infinity));
  return f32x4.pmin(limit, f32x4.splat(f32.MAX_VALUE));
}

/** y = xhat · gamma + beta */
@unmanaged
export class Output {
  // @ts-ignore: decorator
  @inline
  offset(beta: usize, at: usize, count: usize): v128 {
    return loadLanes(beta + at, count);
  }

  // @ts-ignore: decorator
  @inline
  at(
    x: usize, _dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, beta: v128,
    _shift: v128, _slope: v128,
  ): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    return f32x4.add(f32x4.mul(xhat, gamma), beta);
  }
}

/** relu of it */
@unmanaged
export class ReluOutput {
  // @ts-ignore: decorator
  @inline
  offset(beta: usize, at: usize, count: usize): v128 {
    return loadLanes(beta + at, count);
  }

  // @ts-ignore: decorator
  @inline
  at(
    x: usize, _dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, beta: v128,
    _shift: v128, _slope: v128,
  ): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    return f32x4.pmax(f32x4.add(f32x4.mul(xhat, gamma), beta), f32x4.splat(0));
  }
}

/** dx = (gamma · rstd) · ((d − shift) − xhat · slope), shift = dBeta / n, slope = dGamma / n */
@unmanaged
export class Gradient {
  // @ts-ignore: decorator
  @inline
  offset(beta: usize, at: usize, count: usize): v128 {
    return limitAt(beta, at, count);
  }

  // @ts-ignore: decorator
  @inline
  at(
    x: usize, dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, limit: v128,
    shift: v128, slope: v128,
  ): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    const d = passed(loadLanes(dy, count), xhat, gamma, limit);
    const centred = f32x4.sub(f32x4.sub(d, shift), f32x4.mul(xhat, slope));
    return f32x4.mul(f32x4.mul(gamma, rstd), centred);
  }
}
