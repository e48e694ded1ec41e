import { Opcode } from "../../assembly/opcodes.js";
import type { Kernels } from "../kernels.js";
import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";
import { exp1, log1, sigmoid1, tanh1 } from "./math.js";

const F = Math.fround;

/** Elementwise kernels: each operation has a loop of its own, which V8 keeps monomorphic. */

type Binary =
  | Opcode.Add
  | Opcode.Sub
  | Opcode.Mul
  | Opcode.Div
  | Opcode.Maximum
  | Opcode.Minimum
  | Opcode.Equal
  | Opcode.MaximumShare;

/** out[r, c] = a[r·rsA + c·csA] op b[r·rsB + c·csB] */
function binary(
  m: Heap,
  op: Binary,
  out: number,
  a: number,
  b: number,
  rows: number,
  cols: number,
  rsA: number,
  csA: number,
  rsB: number,
  csB: number,
): void {
  const f = m.f;
  let o = out >>> SHIFT;
  for (let r = 0; r < rows; r++) {
    const end = o + cols;
    let p = (a >>> SHIFT) + r * rsA;
    let q = (b >>> SHIFT) + r * rsB;
    switch (op) {
      case Opcode.Add:
        for (; o < end; o++, p += csA, q += csB) {
          f[o] = F((f[p] as number) + (f[q] as number));
        }
        break;
      case Opcode.Sub:
        for (; o < end; o++, p += csA, q += csB) {
          f[o] = F((f[p] as number) - (f[q] as number));
        }
        break;
      case Opcode.Mul:
        for (; o < end; o++, p += csA, q += csB) {
          f[o] = F((f[p] as number) * (f[q] as number));
        }
        break;
      case Opcode.Div:
        for (; o < end; o++, p += csA, q += csB) {
          f[o] = F((f[p] as number) / (f[q] as number));
        }
        break;
      case Opcode.Maximum:
        for (; o < end; o++, p += csA, q += csB) {
          f[o] = Math.max(f[p] as number, f[q] as number);
        }
        break;
      case Opcode.Minimum:
        for (; o < end; o++, p += csA, q += csB) {
          f[o] = Math.min(f[p] as number, f[q] as number);
        }
        break;
      case Opcode.Equal:
        for (; o < end; o++, p += csA, q += csB) {
          f[o] = f[p] === f[q] ? 1 : 0;
        }
        break;
      case Opcode.MaximumShare:
        for (; o < end; o++, p += csA, q += csB) {
          const x = f[p] as number;
          const y = f[q] as number;
          f[o] = x === y ? 0.5 : x < y ? 0 : 1;
        }
        break;
    }
  }
}

type BinaryKernel = (m: Heap, ...operands: Parameters<Kernels["add"]>) => void;

export const add: BinaryKernel = (m, out, a, b, rows, cols, rsA, csA, rsB, csB) =>
  binary(m, Opcode.Add, out, a, b, rows, cols, rsA, csA, rsB, csB);
export const sub: BinaryKernel = (m, out, a, b, rows, cols, rsA, csA, rsB, csB) =>
  binary(m, Opcode.Sub, out, a, b, rows, cols, rsA, csA, rsB, csB);
export const mul: BinaryKernel = (m, out, a, b, rows, cols, rsA, csA, rsB, csB) =>
  binary(m, Opcode.Mul, out, a, b, rows, cols, rsA, csA, rsB, csB);
export const div: BinaryKernel = (m, out, a, b, rows, cols, rsA, csA, rsB, csB) =>
  binary(m, Opcode.Div, out, a, b, rows, cols, rsA, csA, rsB, csB);
export const maximum: BinaryKernel = (m, out, a, b, rows, cols, rsA, csA, rsB, csB) =>
  binary(m, Opcode.Maximum, out, a, b, rows, cols, rsA, csA, rsB, csB);
export const minimum: BinaryKernel = (m, out, a, b, rows, cols, rsA, csA, rsB, csB) =>
  binary(m, Opcode.Minimum, out, a, b, rows, cols, rsA, csA, rsB, csB);
export const equal: BinaryKernel = (m, out, a, b, rows, cols, rsA, csA, rsB, csB) =>
  binary(m, Opcode.Equal, out, a, b, rows, cols, rsA, csA, rsB, csB);
export const maximumShare: BinaryKernel = (m, out, a, b, rows, cols, rsA, csA, rsB, csB) =>
  binary(m, Opcode.MaximumShare, out, a, b, rows, cols, rsA, csA, rsB, csB);

export function neg(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = -(f[a + i] as number);
}

export function exp(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = exp1(f[a + i] as number);
}

export function log(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = log1(f[a + i] as number);
}

export function sqrt(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = F(Math.sqrt(f[a + i] as number));
}

export function sigmoid(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = sigmoid1(f[a + i] as number);
}

export function tanh(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = tanh1(f[a + i] as number);
}

export function relu(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) {
    const value = f[a + i] as number;
    // Not Math.max, which would make −0 into 0.
    f[o + i] = value < 0 ? 0 : value;
  }
}

export function sigmoidBackward(m: Heap, out: number, y: number, dy: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = y >>> SHIFT;
  const b = dy >>> SHIFT;
  for (let i = 0; i < n; i++) {
    const value = f[a + i] as number;
    f[o + i] = F(F((f[b + i] as number) * F(1 - value)) * value);
  }
}

export function tanhBackward(m: Heap, out: number, y: number, dy: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = y >>> SHIFT;
  const b = dy >>> SHIFT;
  for (let i = 0; i < n; i++) {
    const value = f[a + i] as number;
    f[o + i] = F((f[b + i] as number) * F(1 - F(value * value)));
  }
}

export function reluBackward(m: Heap, out: number, y: number, dy: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = y >>> SHIFT;
  const b = dy >>> SHIFT;
  for (let i = 0; i < n; i++) {
    f[o + i] = (f[a + i] as number) <= 0 ? 0 : (f[b + i] as number);
  }
}
