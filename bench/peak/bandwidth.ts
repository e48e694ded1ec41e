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
