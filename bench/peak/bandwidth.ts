/**
 * The bandwidth that elementwise kernels and reductions are measured against: what loads and stores
 * of four lanes reach when nothing is computed. Each loop goes `times` times over `bytes` bytes, a
 * multiple of 128; a copy moves twice as many, a read as many.
 */

export function copy4(to: usize, from: usize, bytes: usize, times: i32): void {
  for (; times > 0; times--) {
    for (let at: usize = 0; at < bytes; at += 64) {
      const a = v128.load(from + at);
      const b = v128.load(from + at, 16);
      const c = v128.load(from + at, 32);
      const d = v128.load(from + at, 48);
      v128.store(to + at, a);
      v128.store(to + at, b, 16);
      v128.store(to + at, c, 32);
      v128.store(to + at, d, 48);
    }
  }
}

export function copy8(to: usize, from: usize, bytes: usize, times: i32): void {
  for (; times > 0; times--) {
    for (let at: usize = 0; at < bytes; at += 128) {
      const a = v128.load(from + at);
      const b = v128.load(from + at, 16);
      const c = v128.load(from + at, 32);
      const d = v128.load(from + at, 48);
      const e = v128.load(from + at, 64);
      const f = v128.load(from + at, 80);
      const g = v128.load(from + at, 96);
      const h = v128.load(from + at, 112);
      v128.store(to + at, a);
      v128.store(to + at, b, 16);
      v128.store(to + at, c, 32);
      v128.store(to + at, d, 48);
      v128.store(to + at, e, 64);
      v128.store(to + at, f, 80);
      v128.store(to + at, g, 96);
      v128.store(to + at, h, 112);
    }
  }
}

export function read4(from: usize, bytes: usize, times: i32): i32 {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let c = i32x4.splat(0);
  let d = i32x4.splat(0);
  for (; times > 0; times--) {
    for (let at: usize = 0; at < bytes; at += 64) {
      a = v128.or(a, v128.load(from + at));
      b = v128.or(b, v128.load(from + at, 16));
      c = v128.or(c, v128.load(from + at, 32));
      d = v128.or(d, v128.load(from + at, 48));
    }
  }
  return i32x4.extract_lane(v128.or(v128.or(a, b), v128.or(c, d)), 0);
}

export function read8(from: usize, bytes: usize, times: i32): i32 {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let c = i32x4.splat(0);
  let d = i32x4.splat(0);
  for (; times > 0; times--) {
    for (let at: usize = 0; at < bytes; at += 128) {
      a = v128.or(v128.or(a, v128.load(from + at)), v128.load(from + at, 16));
      b = v128.or(v128.or(b, v128.load(from + at, 32)), v128.load(from + at, 48));
      c = v128.or(v128.or(c, v128.load(from + at, 64)), v128.load(from + at, 80));
      d = v128.or(v128.or(d, v128.load(from + at, 96)), v128.load(from + at, 112));
    }
  }
  return i32x4.extract_lane(v128.or(v128.or(a, b), v128.or(c, d)), 0);
}

/**
 * What is left of that where an operation, a chain of them or their number sets the pace: the same
 * with the operations of some kernels, and nothing around them. Of two operands, b is `bytes` after a.
 */

/** One operation for each vector. */
export function multiply1(to: usize, from: usize, bytes: usize, times: i32): void {
  const half = f32x4.splat(0.5);
  for (; times > 0; times--) {
    for (let at: usize = 0; at < bytes; at += 128) {
      v128.store(to + at, f32x4.mul(v128.load(from + at), half));
      v128.store(to + at, f32x4.mul(v128.load(from + at, 16), half), 16);
      v128.store(to + at, f32x4.mul(v128.load(from + at, 32), half), 32);
      v128.store(to + at, f32x4.mul(v128.load(from + at, 48), half), 48);
      v128.store(to + at, f32x4.mul(v128.load(from + at, 64), half), 64);
      v128.store(to + at, f32x4.mul(v128.load(from + at, 80), half), 80);
      v128.store(to + at, f32x4.mul(v128.load(from + at, 96), half), 96);
      v128.store(to + at, f32x4.mul(v128.load(from + at, 112), half), 112);
    }
  }
}

/** Quotients: the divider's rate. */
export function divide2(to: usize, from: usize, bytes: usize, times: i32): void {
  const other = from + bytes;
  for (; times > 0; times--) {
    for (let at: usize = 0; at < bytes; at += 64) {
      v128.store(to + at, f32x4.div(v128.load(from + at), v128.load(other + at)));
      v128.store(to + at, f32x4.div(v128.load(from + at, 16), v128.load(other + at, 16)), 16);
      v128.store(to + at, f32x4.div(v128.load(from + at, 32), v128.load(other + at, 32)), 32);
      v128.store(to + at, f32x4.div(v128.load(from + at, 48), v128.load(other + at, 48)), 48);
    }
  }
}

/** Five operations for each vector. */
export function greater2(to: usize, from: usize, bytes: usize, times: i32): void {
  const other = from + bytes;
  for (; times > 0; times--) {
    for (let at: usize = 0; at < bytes; at += 64) {
      const a0 = v128.load(from + at);
      const b0 = v128.load(other + at);
      const p0 = f32x4.pmax(a0, b0);
      const q0 = f32x4.pmax(b0, a0);
      v128.store(to + at, v128.or(v128.and(p0, q0), f32x4.ne(p0, q0)));
      const a1 = v128.load(from + at, 16);
      const b1 = v128.load(other + at, 16);
      const p1 = f32x4.pmax(a1, b1);
      const q1 = f32x4.pmax(b1, a1);
      v128.store(to + at, v128.or(v128.and(p1, q1), f32x4.ne(p1, q1)), 16);
      const a2 = v128.load(from + at, 32);
      const b2 = v128.load(other + at, 32);
      const p2 = f32x4.pmax(a2, b2);
      const q2 = f32x4.pmax(b2, a2);
      v128.store(to + at, v128.or(v128.and(p2, q2), f32x4.ne(p2, q2)), 32);
      const a3 = v128.load(from + at, 48);
      const b3 = v128.load(other + at, 48);
      const p3 = f32x4.pmax(a3, b3);
      const q3 = f32x4.pmax(b3, a3);
      v128.store(to + at, v128.or(v128.and(p3, q3), f32x4.ne(p3, q3)), 48);
    }
  }
}

/** The sixteen partial sums of one row: four chains of additions. */
export function sum4(from: usize, bytes: usize, times: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (; times > 0; times--) {
    for (let at: usize = 0; at < bytes; at += 128) {
      s0 = f32x4.add(s0, v128.load(from + at));
      s1 = f32x4.add(s1, v128.load(from + at, 16));
      s2 = f32x4.add(s2, v128.load(from + at, 32));
      s3 = f32x4.add(s3, v128.load(from + at, 48));
      s0 = f32x4.add(s0, v128.load(from + at, 64));
      s1 = f32x4.add(s1, v128.load(from + at, 80));
      s2 = f32x4.add(s2, v128.load(from + at, 96));
      s3 = f32x4.add(s3, v128.load(from + at, 112));
    }
  }
  return f32x4.extract_lane(f32x4.add(f32x4.add(f32x4.add(s0, s1), s2), s3), 0);
}

/** The same of two rows. */
export function sum8(from: usize, bytes: usize, times: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0);
  let s5 = f32x4.splat(0);
  let s6 = f32x4.splat(0);
  let s7 = f32x4.splat(0);
  for (; times > 0; times--) {
    for (let at: usize = 0; at < bytes; at += 128) {
      s0 = f32x4.add(s0, v128.load(from + at));
      s1 = f32x4.add(s1, v128.load(from + at, 16));
      s2 = f32x4.add(s2, v128.load(from + at, 32));
      s3 = f32x4.add(s3, v128.load(from + at, 48));
      // The end of a block of code, or V8 loads all first, for which there are not registers enough.
      if (at === bytes) break;
      s4 = f32x4.add(s4, v128.load(from + at, 64));
      s5 = f32x4.add(s5, v128.load(from + at, 80));
      s6 = f32x4.add(s6, v128.load(from + at, 96));
      s7 = f32x4.add(s7, v128.load(from + at, 112));
    }
  }
  s0 = f32x4.add(s0, s1);
  s0 = f32x4.add(s0, s2);
  s0 = f32x4.add(s0, s3);
  s0 = f32x4.add(s0, s4);
  s0 = f32x4.add(s0, s5);
  s0 = f32x4.add(s0, s6);
  s0 = f32x4.add(s0, s7);
  return f32x4.extract_lane(s0, 0);
}

/** A comparison and an addition, in which a NaN shows, for each vector. */
export function greatest8(from: usize, bytes: usize, times: i32): f32 {
  let a = f32x4.splat(0);
  let b = f32x4.splat(0);
  let c = f32x4.splat(0);
  let d = f32x4.splat(0);
  let sum = f32x4.splat(0);
  for (; times > 0; times--) {
    for (let at: usize = 0; at < bytes; at += 128) {
      const x0 = v128.load(from + at);
      const x1 = v128.load(from + at, 16);
      const x2 = v128.load(from + at, 32);
      const x3 = v128.load(from + at, 48);
      const x4 = v128.load(from + at, 64);
      const x5 = v128.load(from + at, 80);
      const x6 = v128.load(from + at, 96);
      const x7 = v128.load(from + at, 112);
      a = f32x4.pmax(a, f32x4.pmax(x0, x4));
      b = f32x4.pmax(b, f32x4.pmax(x1, x5));
      c = f32x4.pmax(c, f32x4.pmax(x2, x6));
      d = f32x4.pmax(d, f32x4.pmax(x3, x7));
      const low = f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3));
      const high = f32x4.add(f32x4.add(x4, x5), f32x4.add(x6, x7));
      sum = f32x4.add(sum, f32x4.add(low, high));
    }
  }
  const best = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  return f32x4.extract_lane(f32x4.add(best, sum), 0);
}
