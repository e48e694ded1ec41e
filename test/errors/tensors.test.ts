/** Messages about tensors: shapes, kinds, axes, and what is none. */
import { expect, test } from "vitest";
import * as c from "../../src/index.js";
import {
  add,
  arange,
  argmax,
  argmin,
  broadcastTo,
  eye,
  full,
  globalAvgPool,
  globalMaxPool,
  init,
  linear,
  matmul,
  max,
  mul,
  neg,
  reshape,
  sum,
  type Tensor,
  tensor,
  transpose,
  tril,
  triu,
  zeros,
} from "../../src/index.js";
import { ts } from "../../src/pure.js";
import { any, expectMessages, type Row, x23 } from "./messages.js";

/** Of a shape that is not known while the types are checked. */
const loose = (x: Tensor): Tensor => x;

const rows: Record<string, Row> = {
  "matmul, inner sizes": {
    call: () => matmul(loose(zeros([3, 4])), zeros([5, 6])),
    kind: RangeError,
    message: "matmul: inner dimensions differ: got [3, 4] × [5, 6]",
  },
  "matmul of a scalar": {
    call: () => matmul(loose(tensor(1)), x23),
    kind: RangeError,
    message: "matmul: operand a is a scalar: got [], expected at least one axis",
  },
  "linear, features": {
    call: () => linear(x23, zeros([5, 4]), zeros([5])),
    kind: RangeError,
    message: "linear: input features differ: got x [2, 3], weight [5, 4], expected x [n, 4]",
  },
  "linear, bias": {
    call: () => linear(x23, zeros([5, 3]), zeros([4])),
    kind: RangeError,
    message: "linear: bias does not fit: got [4], expected [5]",
  },
  "a misspelt dtype": {
    call: () => tensor([1], any({ dtpye: "i32" })),
    kind: TypeError,
    message: "tensor: unknown option: got dtpye, expected shape or dtype",
  },
  "a dtype in place of options": {
    call: () => zeros([2], any("i32")),
    kind: TypeError,
    message: 'full: bad options: got "i32", expected an object',
  },
  "a shape that no memory holds": {
    call: () => zeros([1e6, 1e6]),
    kind: RangeError,
    message:
      "zeros: too many elements: got [1000000, 1000000], expected at most 4294967296 of them",
  },
  "a range that no memory holds": {
    call: () => arange(1e12),
    kind: RangeError,
    message: "arange: too many elements: got [1000000000000], expected at most 4294967296 of them",
  },
  "einsum without subscripts": {
    call: () => c.einsum(any(x23), x23),
    kind: RangeError,
    message:
      "einsum: subscripts are not understood: got a Tensor, expected letters, commas, … and one ->",
  },
  "vmap with JAX's option": {
    call: () => c.vmap((x: Tensor) => x, any({ in_axes: 0 })),
    kind: TypeError,
    message: "vmap: unknown option: got in_axes, expected inAxes or outAxes",
  },
  "add, broadcasting": {
    call: () => add(loose(zeros([2, 3])), zeros([2])),
    kind: RangeError,
    message:
      "add: shapes do not broadcast: got [2, 3] and [2], expected axis −1 to be equal or 1: 3 ≠ 2",
  },
  "add of an array": {
    call: () => add(any([1, 2]), x23),
    kind: TypeError,
    message:
      "add: operand is not a tensor: got an array of 2, expected a tensor or a number; wrap data with tensor(…)",
  },
  "exp of integers": {
    call: () => c.exp(tensor([1], { dtype: "i32" })),
    kind: TypeError,
    message: 'exp: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "pow of integers": {
    call: () => c.pow(tensor([1], { dtype: "i32" }), 2),
    kind: TypeError,
    message: 'pow: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "a power of integers": {
    call: () => c.pow(tensor([1, 2]), tensor([1, 2], { dtype: "i32" })),
    kind: TypeError,
    message: 'pow: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "atan2 of shapes that do not fit": {
    call: () => c.atan2(loose(tensor([1, 2])), tensor([1, 2, 3])),
    kind: RangeError,
    message:
      "atan2: shapes do not broadcast: got [2] and [3], expected axis −1 to be equal or 1: 2 ≠ 3",
  },
  "integers and a fraction": {
    call: () => tensor([1], { dtype: "i32" }).mul(0.5),
    kind: TypeError,
    message:
      "mul: number is not a 32-bit integer: got 0.5 beside an i32 tensor, expected one; cast the tensor to a float",
  },
  "where without a condition": {
    call: () => c.where(tensor([1]), 1, 2),
    kind: TypeError,
    message: "where: condition is no condition: got f32, expected bool; compare it, as in ne(x, 0)",
  },
  "logic of numbers": {
    call: () => c.logicalNot(tensor([1])),
    kind: TypeError,
    message:
      "logicalNot: operand is no condition: got f32, expected bool; compare it, as in ne(x, 0)",
  },
  "logic of labels": {
    call: () => c.logicalAnd(tensor([true]), tensor([1], { dtype: "i32" })),
    kind: TypeError,
    message:
      "logicalAnd: operand is no condition: got i32, expected bool; compare it, as in ne(x, 0)",
  },
  "a bool and a number that is none": {
    call: () => tensor([true]).eq(2),
    kind: TypeError,
    message:
      "eq: number is no truth value: got 2 beside a bool tensor, expected 0 or 1; cast the tensor to a float",
  },
  "a sum of bools": {
    call: () => tensor([true]).add(1),
    kind: TypeError,
    message:
      'add: dtype is not a float: got bool, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "where of two kinds": {
    call: () => c.where(tensor([true]), tensor([1]), tensor([1], { dtype: "i32" })),
    kind: TypeError,
    message: "where: dtypes differ: got f32 and i32, expected equal ones; cast one of them",
  },
  "where of shapes that do not fit": {
    call: () => c.where(tensor([true, false]), tensor([1, 2, 3]), 0),
    kind: RangeError,
    message:
      "where: shapes do not broadcast: got [2] and [3], expected axis −1 to be equal or 1: 2 ≠ 3",
  },
  "gelu of labels": {
    call: () => c.gelu(tensor([1], { dtype: "i32" })),
    kind: TypeError,
    message:
      'gelu: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "gelu, unknown approximation": {
    call: () => c.gelu(x23, { approximate: any("sigmoid") }),
    kind: TypeError,
    message: 'gelu: unknown approximation: got "sigmoid", expected "none" or "tanh"',
  },
  "clamp to NaN": {
    call: () => c.clamp(x23, Number.NaN),
    kind: TypeError,
    message: "clamp: low is not a number: got NaN, expected one",
  },
  "leakyRelu by a tensor": {
    call: () => c.leakyRelu(x23, any(x23)),
    kind: TypeError,
    message: "leakyRelu: slope is not a number: got a Tensor, expected one",
  },
  "full of fractions as integers": {
    call: () => c.full([2], 0.5, { dtype: "i32" }),
    kind: TypeError,
    message: "full: element 0 is not a 32-bit integer: got 0.5, expected one for dtype i32",
  },
  "arange of bools": {
    call: () => c.arange(0, 2, 1, { dtype: "bool" }),
    kind: TypeError,
    message: "arange: dtype does not count: got bool, expected f32, f64 or i32",
  },
  "a comparison of kinds": {
    call: () => c.lt(tensor([1]), tensor([1], { dtype: "i32" })),
    kind: TypeError,
    message: "lt: dtypes differ: got f32 and i32, expected equal ones; cast one of them",
  },
  "a cast between precisions": {
    call: () => c.cast(tensor([1]), "f64"),
    kind: TypeError,
    message:
      'cast: precisions are mixed: got f32, expected to stay so; a program has one: read it and write tensor(x.toArray(), { dtype: "f64" })',
  },
  "mixed precisions": {
    call: () => mul(tensor([1]), tensor(new Float64Array([1]))),
    kind: TypeError,
    message: "mul: dtypes differ: got f32 and f64, expected equal ones",
  },
  "f64 on WebAssembly": {
    call: () =>
      tensor(new Float64Array([1]))
        .neg()
        .item(),
    kind: TypeError,
    message:
      'evaluate: dtype f64 is not supported by the backend: got wasm, expected ts; import { ts } from "chainrule/pure" ' +
      'and call init({ backend: ts, dtype: "f64" })',
  },
  "init with f64": {
    call: () => init({ dtype: "f64" }),
    kind: TypeError,
    message:
      "init: dtype f64 is not supported by the backend: got wasm, expected ts; " +
      'import { ts } from "chainrule/pure" and call init({ backend: ts, dtype: "f64" })',
  },
  "init with relaxed SIMD in a given backend": {
    call: () => init({ backend: ts, relaxedSimd: true }),
    kind: TypeError,
    message:
      "init: relaxedSimd and backend exclude each other: got relaxedSimd true and backend ts, " +
      "expected one; createWasmBackend({ relaxedSimd }) makes a backend",
  },
  "axis out of range": {
    call: () => sum(loose(zeros([2, 2])), [3]),
    kind: RangeError,
    message: "sum: axis is out of range: got 3, expected −2 ≤ axis < 2",
  },
  "axes that repeat": {
    call: () => sum(zeros([2, 2]), [0, -2]),
    kind: RangeError,
    message: "sum: axes repeat: got [0,-2], expected each axis once",
  },
  "max of nothing": {
    call: () => max(zeros([3, 0]), 1),
    kind: RangeError,
    message: "max: nothing to reduce: got [3, 0] over axes [1], expected at least one element",
  },
  "reshape, sizes": {
    call: () => reshape(loose(zeros([3, 4])), [2, 5]),
    kind: RangeError,
    message:
      "reshape: sizes differ: got [3, 4] (12 elements), expected a shape of as many, not [2, 5]",
  },
  "reshape, two unknowns": {
    call: () => reshape(zeros([3, 4]), [-1, -1]),
    kind: RangeError,
    message: "reshape: bad shape: got [-1], expected non-negative integers",
  },
  "transpose, axes": {
    call: () => transpose(x23, [0, 0]),
    kind: RangeError,
    message: "transpose: axes are not a permutation: got [0,0], expected each of 2 axes once",
  },
  broadcastTo: {
    call: () => broadcastTo(x23, [3]),
    kind: RangeError,
    message: "broadcastTo: shape does not stretch: got [2, 3], expected one that broadcasts to [3]",
  },
  "tensor, ragged": {
    call: () => tensor([[1, 2], [3]]),
    kind: RangeError,
    message:
      "tensor: nested arrays are ragged: got an array of 1 at depth 1, expected an array of 2",
  },
  "tensor of text": {
    call: () => tensor(any(["1"])),
    kind: TypeError,
    message: 'tensor: element 0 is not a number: got "1", expected a number',
  },
  "tensor, shape": {
    call: () => tensor([1, 2, 3], { shape: [2, 2] }),
    kind: RangeError,
    message: "tensor: data does not fill the shape: got 3 elements, expected 4 for [2, 2]",
  },
  "tensor, dtype": {
    call: () => tensor([1], { dtype: any("f16") }),
    kind: TypeError,
    message: 'tensor: unknown dtype: got "f16", expected f32, f64, i32 or bool',
  },
  "tensor, fractional label": {
    call: () => tensor([1, 1.5], { dtype: "i32" }),
    kind: TypeError,
    message: "tensor: element 1 is not a 32-bit integer: got 1.5, expected one for dtype i32",
  },
  full: {
    call: () => full([-1], 0),
    kind: RangeError,
    message: "full: bad shape: got [-1], expected non-negative integers",
  },
  eye: {
    call: () => eye(1.5),
    kind: RangeError,
    message: "eye: bad shape: got [1.5], expected non-negative integers",
  },
  arange: {
    call: () => arange(0, 5, 0),
    kind: RangeError,
    message: "arange: bad range: got 0, 5, 0, expected finite numbers and a step other than 0",
  },
  "item of several": {
    call: () => x23.item(),
    kind: RangeError,
    message: "item: more or less than one element: got [2, 3], expected a tensor of one",
  },
  "arithmetic on a tensor": {
    call: () => any(x23) * 2,
    kind: TypeError,
    message:
      "Tensor(f32[2, 3]): a tensor is not a number: got an arithmetic operator, expected a method such as add or mul, " +
      "or item() for the value",
  },
  "an array in matmul": {
    call: () => c.matmul([1, 2] as never, x23),
    kind: TypeError,
    message:
      "matmul: operand is not a tensor: got an array of 2, expected a tensor; wrap data with tensor(…)",
  },
  "a number in concat": {
    call: () => c.concat([x23, 1 as never]),
    kind: TypeError,
    message: "concat: operand is not a tensor: got 1, expected a tensor; wrap data with tensor(…)",
  },
  "an axis that is a text": {
    call: () => x23.sum("0" as never),
    kind: TypeError,
    message: 'sum: axes are no numbers: got "0", expected a whole number or an array of them',
  },
  "slice of a number": {
    call: () => x23.slice(1 as never),
    kind: TypeError,
    message: "slice: ranges are no list: got 1, expected one for each axis, as in [[0, 2], null]",
  },
  "a diagonal that is none": {
    call: () => c.diagonal(x23, 0.5),
    kind: TypeError,
    message: "diagonal: offset is not a whole number: got 0.5",
  },
  "a triangle of a word": {
    call: () => tril(x23, any("x")),
    kind: TypeError,
    message: 'tril: k is not a whole number: got "x"',
  },
  "roll by a half": {
    call: () => c.roll(x23, 0.5),
    kind: TypeError,
    message: "roll: shift is not a whole number: got 0.5",
  },
  ...Object.fromEntries(
    Object.entries({
      grad: () => c.grad<[Tensor]>(any(x23)),
      jacobian: () => c.jacobian<Tensor, Tensor>(any(x23)),
      vjp: () => c.vjp<Tensor, Tensor>(any(x23), x23),
      jvp: () => c.jvp<Tensor, Tensor>(any(x23), x23, x23),
      vmap: () => c.vmap<[Tensor], Tensor>(any(x23)),
      checkpoint: () => c.checkpoint<[Tensor], Tensor>(any(x23))(x23),
      gradCheck: () => c.gradCheck<Tensor, Tensor>(any(x23), x23),
      compare: () => c.compare<Tensor, Tensor>(any(x23), x23),
    }).map(([op, call]): [string, Row] => [
      `${op} of a tensor`,
      {
        call,
        kind: TypeError,
        message: `${op}: no function: got a Tensor, expected one, as in ${op}((x) => …)`,
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries({ neg, argmax, argmin, triu, tril, globalAvgPool, globalMaxPool }).map(
      ([op, f]): [string, Row] => [
        `${op} of nothing`,
        {
          call: () => f(any(undefined)),
          kind: TypeError,
          message: `${op}: operand is not a tensor: got undefined, expected a tensor; wrap data with tensor(…)`,
        },
      ],
    ),
  ),
};

expectMessages(rows, "tensors.test.ts");

test("an array that holds itself is refused, not walked for ever", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(() => tensor(any(cycle))).toThrow(
    new TypeError("tensor: element 0 is not a number: got an array of 1, expected a number"),
  );
});
