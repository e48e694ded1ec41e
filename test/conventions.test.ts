/** The conventions where mathematics leaves a choice: ties, kinks, empty axes, NaN. */
import { describe, expect, test } from "vitest";
import {
  add,
  exp,
  grad,
  matmul,
  max,
  maximum,
  mean,
  minimum,
  relu,
  square,
  sum,
  type Tensor,
  tensor,
} from "../src/index.js";

describe("values", () => {
  test.each<{ what: string; got: () => unknown; want: unknown }>([
    { what: "sum of nothing", got: () => sum(tensor([])).item(), want: 0 },
    { what: "mean of nothing", got: () => mean(tensor([])).item(), want: Number.NaN },
    { what: "add", got: () => add(tensor([]), 1).toArray(), want: [] },
    {
      what: "sum over an empty axis",
      got: () => sum(tensor([], { shape: [2, 0] }), 1).toArray(),
      want: [0, 0],
    },
    {
      what: "matmul with k = 0",
      got: () => matmul(tensor([], { shape: [2, 0] }), tensor([], { shape: [0, 2] })).toArray(),
      want: [
        [0, 0],
        [0, 0],
      ],
    },
    {
      what: "matmul with m = 0",
      got: () => matmul(tensor([], { shape: [0, 2] }), tensor([[1], [2]])).shape,
      want: [0, 1],
    },
    { what: "scalar", got: () => exp(tensor(0)).toArray(), want: 1 },
    {
      what: "gradient through nothing",
      got: () => grad((x: Tensor) => square(x).sum())(tensor([])).toArray(),
      want: [],
    },
  ])("$what", ({ got, want }) => expect(got()).toEqual(want));
});

describe("gradients at ties and kinks", () => {
  test.each<{ what: string; f: (x: Tensor) => Tensor; at: number[]; gradient: number[] }>([
    { what: "relu", f: relu, at: [0, -0], gradient: [0, 0] },
    {
      what: "maximum at a tie",
      f: (x) => maximum(x, tensor([1, 2])),
      at: [1, 3],
      gradient: [0.5, 1],
    },
    {
      what: "minimum at a tie",
      f: (x) => minimum(x, tensor([1, 2])),
      at: [1, 3],
      gradient: [0.5, 0],
    },
    { what: "max over ties", f: (x) => max(x), at: [2, 2], gradient: [0.5, 0.5] },
  ])("$what", ({ f, at, gradient }) => {
    expect(grad((x: Tensor) => sum(f(x)))(tensor(at)).toArray()).toEqual(gradient);
  });
});
