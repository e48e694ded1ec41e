/**
 * Kernels that move elements by indices, and sort (contract: `src/kernels.ts`). Those that check
 * return −1, or the position of the first index that is out of range, before anything is written.
 */
import { copyRow } from "./move";

/** The first of `count` indices that is not in 0 … n − 1; −1 for none. */
function firstOutside(indices: usize, count: usize, n: usize): i32 {
  for (let i: usize = 0; i < count; i++) {
    // Seen as unsigned, a negative index is out of range too.
    if (<usize>load<u32>(indices + (i << 2)) >= n) return <i32>i;
  }
  return -1;
}

export function take(
  out: usize, x: usize, indices: usize, outer: usize, n: usize, count: usize, inner: usize,
): i32 {
  const wrong = firstOutside(indices, count, n);
  if (wrong >= 0) return wrong;
  const row = inner << 2;
  for (let o: usize = 0; o < outer; o++, x += n * row) {
    for (let i: usize = 0; i < count; i++, out += row) {
      copyRow(out, x + <usize>load<u32>(indices + (i << 2)) * row, inner);
    }
  }
  return -1;
}

export function takeAdd(
  out: usize, x: usize, indices: usize, outer: usize, n: usize, count: usize, inner: usize,
): i32 {
  const wrong = firstOutside(indices, count, n);
  if (wrong >= 0) return wrong;
  const row = inner << 2;
  for (let o: usize = 0; o < outer; o++, out += n * row) {
    for (let i: usize = 0; i < count; i++) {
      let to = out + <usize>load<u32>(indices + (i << 2)) * row;
      const end = x + row;
      for (; x + 16 <= end; x += 16, to += 16) {
        v128.store(to, f32x4.add(v128.load(to), v128.load(x)));
      }
      for (; x < end; x += 4, to += 4) store<f32>(to, load<f32>(to) + load<f32>(x));
    }
  }
  return -1;
}

export function gather(
  out: usize, x: usize, indices: usize, outer: usize, n: usize, count: usize, inner: usize,
  words: usize,
): i32 {
  const wrong = firstOutside(indices, outer * count * inner, n);
  if (wrong >= 0) return wrong;
  for (let o: usize = 0; o < outer; o++, x += (n * inner * words) << 2) {
    for (let i: usize = 0; i < count; i++) {
      for (let k: usize = 0; k < inner; k++, indices += 4) {
        const from = x + ((<usize>load<u32>(indices) * inner + k) * words << 2);
        for (let w: usize = 0; w < words; w++, out += 4) store<u32>(out, load<u32>(from + (w << 2)));
      }
    }
  }
  return -1;
}

export function scatterAdd(
  out: usize, x: usize, indices: usize, outer: usize, n: usize, count: usize, inner: usize,
): i32 {
  const wrong = firstOutside(indices, outer * count * inner, n);
  if (wrong >= 0) return wrong;
  for (let o: usize = 0; o < outer; o++, out += (n * inner) << 2) {
    for (let i: usize = 0; i < count; i++) {
      for (let k: usize = 0; k < inner; k++, indices += 4, x += 4) {
        const to = out + ((<usize>load<u32>(indices) * inner + k) << 2);
        store<f32>(to, load<f32>(to) + load<f32>(x));
      }
    }
  }
  return -1;
}

/** Whether a comes before b: NaN is greater than everything. */
// @ts-ignore: decorator
@inline
function before(a: f32, b: f32, descending: bool): bool {
  return descending ? a > b || (a != a && b == b) : a < b || (b != b && a == a);
}

export function argsort(
  out: usize, scratch: usize, x: usize, rows: usize, n: usize, descending: u32,
): void {
  for (let r: usize = 0; r < rows; r++, out += n << 2, x += n << 2) {
    for (let i: usize = 0; i < n; i++) store<u32>(out + (i << 2), <u32>i);
    let from = out;
    let to = scratch;
    for (let width: usize = 1; width < n; width <<= 1) {
      for (let start: usize = 0; start < n; start += width << 1) {
        mergeRuns(to, from, x, start, min(start + width, n), min(start + (width << 1), n), descending != 0);
      }
      const swap = from;
      from = to;
      to = swap;
    }
    if (from != out) memory.copy(out, from, n << 2);
  }
}

/** Merges the sorted runs [start, middle) and [middle, end); of equals the first run's come first. */
function mergeRuns(
  to: usize, from: usize, x: usize, start: usize, middle: usize, end: usize, descending: bool,
): void {
  let a = start;
  let b = middle;
  for (let k = start; k < end; k++) {
    let second = a == middle;
    if (!second && b < end) {
      const left = load<f32>(x + (<usize>load<u32>(from + (a << 2)) << 2));
      const right = load<f32>(x + (<usize>load<u32>(from + (b << 2)) << 2));
      second = before(right, left, descending);
    }
    store<u32>(to + (k << 2), load<u32>(from + ((second ? b++ : a++) << 2)));
  }
}
