/** Dimensions of Jacobians, and operations of forward and reverse mode. */
import { describe, expect, test } from "vitest";
import {
  broadcastTo,
  checkpoint,
  conv2d,
  exp,
  matmul,
  maxPool2d,
  mul,
  parameter,
  sin,
  sum,
  type Tensor,
  tensor,
  vmap,
  zeros,
} from "../../src/index.js";
import { jacobianShapes } from "../../src/inspect/index.js";
import * as nn from "../../src/nn/index.js";

const of = (...shape: number[]): Tensor => zeros(shape);

describe("an op's Jacobian", () => {
  test.each<[string, (x: Tensor) => Tensor, Tensor, number, number, string, boolean]>([
    ["a number by a number", (x) => sin(x), of(), 1, 1, "scalar", true],
    ["a number by a vector", (x) => sum(x), of(5), 1, 5, "row", false],
    ["a vector by a number", (x) => broadcastTo(x, [5]), of(), 5, 1, "column", false],
    ["a vector by a vector", (x) => x.cumsum(0), of(5), 5, 5, "matrix", false],
    ["a number by a matrix", (x) => sum(x), of(2, 3), 1, 6, "matrix", false],
    ["a vector by a matrix", (x) => sum(x, 1), of(2, 3), 2, 6, "tensor", false],
    ["a matrix by a matrix", (x) => exp(x), of(2, 3), 6, 6, "tensor", true],
    ["nothing by nothing", (x) => exp(x), of(0), 0, 0, "matrix", true],
  ])("%s", (_, f, x, rows, columns, kind, diagonal) => {
    const [op] = jacobianShapes(f, [x]).ops;
    expect(op?.jacobians).toEqual([
      { operand: "x0", input: x.shape, output: f(x).shape, rows, columns, kind, diagonal },
    ]);
  });

  test("of a matrix product, one for each factor: [m·n × m·k] and [m·n × k·n]", () => {
    const { ops } = jacobianShapes((w: Tensor, x: Tensor) => matmul(w, x), [of(2, 4), of(4, 3)], {
      names: ["W", "X"],
    });
    expect(ops[0]?.jacobians.map(({ operand, rows, columns }) => [operand, rows, columns])).toEqual(
      [
        ["W", 6, 8],
        ["X", 6, 12],
      ],
    );
    expect(ops[0]?.rule).toBe("matmul, D = W · X: dW = dD · Xᵀ, dX = Wᵀ · dD");
  });

  test("integers and constants have none", () => {
    const { ops } = jacobianShapes(
      (x: Tensor, labels: Tensor) => nn.crossEntropy(mul(x, tensor([1, 2, 3])), labels),
      [of(2, 3), tensor([0, 1], { dtype: "i32" })],
    );
    expect(
      ops.map(({ name, jacobians }) => [name, jacobians.map(({ operand }) => operand)]),
    ).toEqual([
      ["mul", ["x0"]],
      ["crossEntropy", ["mul1"]],
      ["mean", ["crossEntropy2"]],
    ]);
  });
});

describe("operations", () => {
  const flops = (f: (...args: never[]) => unknown, ...args: unknown[]): number =>
    jacobianShapes(f, args).flops;

  test.each<[string, number, number]>([
    ["entry by entry", flops((x: Tensor) => exp(mul(x, x)), of(2, 3)), 12],
    [
      "a matrix product: m·n·k products and sums",
      flops((a: Tensor, b: Tensor) => matmul(a, b), of(2, 4), of(4, 3)),
      48,
    ],
    ["in a batch", flops((a: Tensor, b: Tensor) => matmul(a, b), of(5, 2, 4), of(5, 4, 3)), 240],
    [
      "with a factor transposed",
      flops((a: Tensor, b: Tensor) => matmul(a.transpose(), b), of(4, 2), of(4, 3)),
      48,
    ],
    ["a sum", flops((x: Tensor) => sum(x), of(7)), 7],
    ["a reshape", flops((x: Tensor) => x.reshape([6]), of(2, 3)), 0],
    [
      "a convolution",
      flops((x: Tensor, w: Tensor) => conv2d(x, w), of(1, 2, 4, 4), of(3, 2, 3, 3)),
      2 * 3 * 4 * 2 * 9,
    ],
    ["a pool", flops((x: Tensor) => maxPool2d(x, 2), of(1, 1, 4, 4)), 16],
    ["a fused op as its parts", flops((x: Tensor) => x.silu(), of(3)), 6],
    [
      "a body as what is in it",
      flops((x: Tensor) => checkpoint((y: Tensor) => exp(exp(y)))(x), of(3)),
      6,
    ],
    ["a body for each index", flops((x: Tensor) => vmap((y: Tensor) => exp(y))(x), of(3, 4)), 12],
  ])("%s", (_, got, expected) => {
    expect(got).toBe(expected);
  });

  test("1 → N: forward mode, a pass", () => {
    const {
      inputs,
      outputs,
      flops: own,
      forward,
      reverse,
      mode,
    } = jacobianShapes((x: Tensor) => exp(broadcastTo(x, [50])), [0.5]);
    expect([inputs, outputs, own, mode]).toEqual([1, 50, 50, "forward"]);
    // The product with eˣ; the sum over the copies.
    expect(forward).toEqual({ passes: 1, flopsPerPass: 50, flops: 100 });
    expect(reverse).toEqual({ passes: 50, flopsPerPass: 100, flops: 5050 });
  });

  test("N → 1: reverse mode, a pass; Parameters are inputs", () => {
    const w = parameter(new Float32Array(20), { shape: [20] });
    const { inputs, outputs, mode, forward, reverse } = jacobianShapes(
      (x: Tensor) => sum(mul(x, w)),
      [of(20)],
    );
    expect([inputs, outputs, mode]).toEqual([40, 1, "reverse"]);
    expect([forward.passes, reverse.passes]).toEqual([40, 1]);
    expect(reverse.flopsPerPass).toBe(40);
  });
});

test("as text", () => {
  expect(
    jacobianShapes((w: Tensor, x: Tensor) => ({ f: sum(matmul(w, x)) }), [of(1, 4), of(4, 1)], {
      names: ["W", "X"],
    }).toText(),
  ).toBe(`op                operand  from → to        Jacobian  kind    reverse              forward              reverse ops  forward ops  instead
matmul0 = matmul  W        [1, 4] → [1, 1]  [1 × 4]   tensor  [1 × 1]·J = [1 × 4]  J·[4 × 1] = [1 × 1]           16           17  matmul, D = W · X: dW = dD · Xᵀ, dX = Wᵀ · dD
                  X        [4, 1] → [1, 1]  [1 × 4]   tensor  [1 × 1]·J = [1 × 4]  J·[4 × 1] = [1 × 1]
f = sum           matmul0  [1, 1] → []      [1 × 1]   matrix  [1 × 1]·J = [1 × 1]  J·[1 × 1] = [1 × 1]            0            1  sum distributes: every entry gets the gradient of its sum

8 → 1: the Jacobian is [1 × 8]
forward mode, a column each pass: 8 × 18 + 9 = 153 operations
reverse mode, a row each pass: 1 × 16 + 9 = 25 operations
use reverse mode`);
});

test.each<[string, () => unknown, unknown]>([
  [
    "no function",
    () => jacobianShapes(null as never, []),
    new TypeError("jacobianShapes: not a function: got null, expected a function of tensors"),
  ],
  [
    "an integer",
    () => jacobianShapes((x: Tensor) => x.argmax(), [of(2)]),
    new TypeError(
      "jacobianShapes: nothing to differentiate: got an output i32 [], expected a float that depends on a float argument or a Parameter",
    ),
  ],
  [
    "a constant",
    () => jacobianShapes(() => zeros([2]), []),
    new TypeError(
      "jacobianShapes: nothing to differentiate: got an output f32 [2], expected a float that depends on a float argument or a Parameter",
    ),
  ],
])("errors: %s", (_, run, error) => {
  expect(run).toThrow(error as Error);
});
