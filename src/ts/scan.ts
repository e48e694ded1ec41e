import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";

const F = Math.fround;

/** Running sums and positions of extrema: the twins of `assembly/scan.ts`. */

export function cumsum(
  m: Heap,
  out: number,
  x: number,
  outer: number,
  n: number,
  inner: number,
  reverse: number,
): void {
  const f = m.f;
  for (let o = 0; o < outer; o++)
    for (let k = 0; k < inner; k++) {
      const start = o * n * inner + k;
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const at = start + (reverse !== 0 ? n - 1 - i : i) * inner;
        const value = f[(x >>> SHIFT) + at] as number;
        sum = i === 0 ? value : sum + value;
        f[(out >>> SHIFT) + at] = F(sum);
      }
    }
}

export function argmax(
  m: Heap,
  out: number,
  x: number,
  outer: number,
  n: number,
  inner: number,
  least: number,
): void {
  const { f, i: words } = m;
  let to = out >>> 2;
  for (let o = 0; o < outer; o++)
    for (let k = 0; k < inner; k++, to++) {
      const start = (x >>> SHIFT) + o * n * inner + k;
      let best = f[start] as number;
      let place = 0;
      for (let i = 1; i < n && !Number.isNaN(best); i++) {
        const value = f[start + i * inner] as number;
        if (Number.isNaN(value) || (least !== 0 ? value < best : value > best)) {
          best = value;
          place = i;
        }
      }
      words[to] = place;
    }
}
