import type { Kernels } from "../kernels.js";
import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";

const F = Math.fround;

/** Kernels that move elements by indices, and sort: the twins of `assembly/indexing.ts`. */

type OnHeap<Name extends keyof Kernels> = (
  m: Heap,
  ...operands: Parameters<Kernels[Name]>
) => ReturnType<Kernels[Name]>;

/** The first of `count` indices that is not in 0 … n − 1; −1 for none. */
function firstOutside(m: Heap, indices: number, count: number, n: number): number {
  const at = indices >>> 2;
  // Seen as unsigned, a negative index is out of range too.
  for (let i = 0; i < count; i++) if ((m.u[at + i] as number) >= n) return i;
  return -1;
}

export const take: OnHeap<"take"> = (m, out, x, indices, outer, n, count, inner) => {
  const wrong = firstOutside(m, indices, count, n);
  if (wrong >= 0) return wrong;
  const { u } = m;
  const list = indices >>> 2;
  let o = out >>> 2;
  for (let row = 0; row < outer; row++)
    for (let i = 0; i < count; i++, o += inner) {
      const from = (x >>> 2) + (row * n + (u[list + i] as number)) * inner;
      u.copyWithin(o, from, from + inner);
    }
  return -1;
};

export const takeAdd: OnHeap<"takeAdd"> = (m, out, x, indices, outer, n, count, inner) => {
  const wrong = firstOutside(m, indices, count, n);
  if (wrong >= 0) return wrong;
  const { f, u } = m;
  const list = indices >>> 2;
  let p = x >>> SHIFT;
  for (let row = 0; row < outer; row++)
    for (let i = 0; i < count; i++) {
      let to = (out >>> SHIFT) + (row * n + (u[list + i] as number)) * inner;
      for (const end = p + inner; p < end; p++, to++)
        f[to] = F((f[to] as number) + (f[p] as number));
    }
  return -1;
};

export const gather: OnHeap<"gather"> = (m, out, x, indices, outer, n, count, inner, words) => {
  const wrong = firstOutside(m, indices, outer * count * inner, n);
  if (wrong >= 0) return wrong;
  const { u } = m;
  let list = indices >>> 2;
  let o = out >>> 2;
  for (let row = 0; row < outer; row++)
    for (let i = 0; i < count; i++)
      for (let k = 0; k < inner; k++, list++) {
        const from = (x >>> 2) + ((row * n + (u[list] as number)) * inner + k) * words;
        for (let w = 0; w < words; w++, o++) u[o] = u[from + w] as number;
      }
  return -1;
};

export const scatterAdd: OnHeap<"scatterAdd"> = (m, out, x, indices, outer, n, count, inner) => {
  const wrong = firstOutside(m, indices, outer * count * inner, n);
  if (wrong >= 0) return wrong;
  const { f, u } = m;
  let list = indices >>> 2;
  let p = x >>> SHIFT;
  for (let row = 0; row < outer; row++)
    for (let i = 0; i < count; i++)
      for (let k = 0; k < inner; k++, list++, p++) {
        const to = (out >>> SHIFT) + (row * n + (u[list] as number)) * inner + k;
        f[to] = F((f[to] as number) + (f[p] as number));
      }
  return -1;
};

/** Whether a comes before b: NaN is greater than everything. */
function before(a: number, b: number, descending: boolean): boolean {
  return descending
    ? a > b || (Number.isNaN(a) && !Number.isNaN(b))
    : a < b || (Number.isNaN(b) && !Number.isNaN(a));
}

export const argsort: OnHeap<"argsort"> = (m, out, scratch, x, rows, n, descending) => {
  const { f, u } = m;
  for (let r = 0; r < rows; r++) {
    const result = (out >>> 2) + r * n;
    const values = (x >>> SHIFT) + r * n;
    for (let i = 0; i < n; i++) u[result + i] = i;
    let from = result;
    let to = scratch >>> 2;
    for (let width = 1; width < n; width *= 2) {
      for (let start = 0; start < n; start += 2 * width) {
        const middle = Math.min(start + width, n);
        const end = Math.min(start + 2 * width, n);
        let a = start;
        let b = middle;
        for (let k = start; k < end; k++) {
          const left = f[values + (u[from + a] as number)] as number;
          const right = f[values + (u[from + b] as number)] as number;
          const second = a === middle || (b < end && before(right, left, descending !== 0));
          u[to + k] = u[from + (second ? b++ : a++)] as number;
        }
      }
      [from, to] = [to, from];
    }
    if (from !== result) u.copyWithin(result, from, from + n);
  }
};
