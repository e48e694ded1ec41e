import { loadLanes, storeLanes } from "./lanes";

/**
 * The optimizers' updates. A step is a function of addresses and a number of lanes, used by body
 * and tail alike; it reads all its inputs before it writes, so that outputs may lie on inputs.
 */

/** A scalar of `hyper` in every lane. */
// @ts-ignore: decorator
@inline
function hyperAt(hyper: usize, index: usize): v128 {
  return v128.load32_splat(hyper + (index << 2));
}

/** g + weightDecay · p, or g itself: an infinite p must not meet a decay of 0. */
// @ts-ignore: decorator
@inline
function decayed(g: v128, p: v128, weightDecay: v128, decays: bool): v128 {
  return decays ? f32x4.add(g, f32x4.mul(weightDecay, p)) : g;
}

// @ts-ignore: decorator
@inline
function sgdStep(
  pOut: usize, pIn: usize, gIn: usize, count: usize, rate: v128, weightDecay: v128, decays: bool,
): void {
  const p = loadLanes(pIn, count);
  const d = decayed(loadLanes(gIn, count), p, weightDecay, decays);
  storeLanes(pOut, f32x4.sub(p, f32x4.mul(rate, d)), count);
}

export function sgd(pOut: usize, p: usize, g: usize, n: usize, hyper: usize): void {
  const rate = hyperAt(hyper, 0);
  const weightDecay = hyperAt(hyper, 2);
  const decays = load<f32>(hyper, 8) != 0;
  const end = n << 2;
  const body = end & ~15;
  for (let i: usize = 0; i < body; i += 16)
    sgdStep(pOut + i, p + i, g + i, 4, rate, weightDecay, decays);
  if (body < end)
    sgdStep(pOut + body, p + body, g + body, n & 3, rate, weightDecay, decays);
}

/**
 * The momentum of a weight that gets no gradient any more ends at a few of the least subnormal, n: to
 * multiply n by k rounds to n again if n·(1 − k) < ½, and by a rate to 0 if n · rate < ½. x64 takes a
 * hundred cycles or more for either product (a fifth of a small network's step), so below n = `bound`
 * they are not computed; 0: all are.
 */
function boundOf(momentum: f64, rate: f64): i32 {
  if (!(momentum > 0 && momentum < 1 && rate > 0 && rate < 1)) return 0;
  // A little less than a half, for the divisions' roundings.
  return 1 + <i32>min(min(0.499 / (1 - momentum), 0.499 / rate), 1000);
}

/** The lanes of x, bits and all, below a bound. */
// @ts-ignore: decorator
@inline
function isTiny(x: v128, bound: v128): v128 {
  return i32x4.gt_s(bound, v128.and(x, i32x4.splat(0x7fffffff)));
}

// @ts-ignore: decorator
@inline
function timesMomentum(momentum: v128, x: v128, bound: v128): v128 {
  const tiny = isTiny(x, bound);
  return v128.or(f32x4.mul(momentum, v128.andnot(x, tiny)), v128.and(x, tiny));
}

// @ts-ignore: decorator
@inline
function timesRate(rate: v128, x: v128, bound: v128): v128 {
  const tiny = isTiny(x, bound);
  const sign = v128.and(x, v128.and(tiny, i32x4.splat(0x80000000)));
  return v128.or(f32x4.mul(rate, v128.andnot(x, tiny)), sign);
}

// @ts-ignore: decorator
@inline
function momentumStep(
  pOut: usize, bufferOut: usize, pIn: usize, gIn: usize, bufferIn: usize, count: usize,
  rate: v128, momentum: v128, bound: v128, weightDecay: v128, decays: bool, nesterov: bool,
): void {
  const p = loadLanes(pIn, count);
  const d = decayed(loadLanes(gIn, count), p, weightDecay, decays);
  const buffer = f32x4.add(timesMomentum(momentum, loadLanes(bufferIn, count), bound), d);
  const step = nesterov ? f32x4.add(d, timesMomentum(momentum, buffer, bound)) : buffer;
  storeLanes(bufferOut, buffer, count);
  storeLanes(pOut, f32x4.sub(p, timesRate(rate, step, bound)), count);
}

export function sgdMomentum(
  pOut: usize, bufferOut: usize, p: usize, g: usize, buffer: usize, n: usize, hyper: usize,
  nesterov: u32,
): void {
  const rate = hyperAt(hyper, 0);
  const momentum = hyperAt(hyper, 1);
  const weightDecay = hyperAt(hyper, 2);
  const bound = i32x4.splat(boundOf(load<f32>(hyper, 4), load<f32>(hyper)));
  const decays = load<f32>(hyper, 8) != 0;
  const ahead = nesterov != 0;
  const end = n << 2;
  const body = end & ~15;
  for (let i: usize = 0; i < body; i += 16)
    momentumStep(
      pOut + i, bufferOut + i, p + i, g + i, buffer + i, 4,
      rate, momentum, bound, weightDecay, decays, ahead,
    );
  if (body < end)
    momentumStep(
      pOut + body, bufferOut + body, p + body, g + body, buffer + body, n & 3,
      rate, momentum, bound, weightDecay, decays, ahead,
    );
}

/** `coupled`: the decay joins the gradient; `shrinks`: it multiplies p. At most one of the two. */
// @ts-ignore: decorator
@inline
function adamStep(
  pOut: usize, moment1Out: usize, moment2Out: usize,
  pIn: usize, gIn: usize, moment1In: usize, moment2In: usize, count: usize,
  hyper: usize, coupled: bool, shrinks: bool,
): void {
  const p = loadLanes(pIn, count);
  const d = decayed(loadLanes(gIn, count), p, hyperAt(hyper, 7), coupled);
  const q = shrinks ? f32x4.mul(p, hyperAt(hyper, 8)) : p;
  const moment1 = f32x4.add(
    f32x4.mul(hyperAt(hyper, 0), loadLanes(moment1In, count)),
    f32x4.mul(hyperAt(hyper, 1), d),
  );
  const moment2 = f32x4.add(
    f32x4.mul(hyperAt(hyper, 2), loadLanes(moment2In, count)),
    f32x4.mul(hyperAt(hyper, 3), f32x4.mul(d, d)),
  );
  const scale = f32x4.add(
    f32x4.div(f32x4.sqrt(moment2), hyperAt(hyper, 6)),
    hyperAt(hyper, 4),
  );
  const step = f32x4.mul(hyperAt(hyper, 5), f32x4.div(moment1, scale));
  storeLanes(moment1Out, moment1, count);
  storeLanes(moment2Out, moment2, count);
  storeLanes(pOut, f32x4.sub(q, step), count);
}

export function adam(
  pOut: usize, moment1Out: usize, moment2Out: usize,
  p: usize, g: usize, moment1: usize, moment2: usize, n: usize, hyper: usize, decoupled: u32,
): void {
  const decays = load<f32>(hyper, 28) != 0;
  const shrinks = decays && decoupled != 0;
  const coupled = decays && decoupled == 0;
  const end = n << 2;
  const body = end & ~15;
  for (let i: usize = 0; i < body; i += 16)
    adamStep(
      pOut + i, moment1Out + i, moment2Out + i, p + i, g + i, moment1 + i, moment2 + i, 4,
      hyper, coupled, shrinks,
    );
  if (body < end)
    adamStep(
      pOut + body, moment1Out + body, moment2Out + body,
      p + body, g + body, moment1 + body, moment2 + body, n & 3,
      hyper, coupled, shrinks,
    );
}
