/** Initialisers. */
import { afterEach, describe, expect, test } from "vitest";
import { compile, init, matmul, type Parameter, parameter, wasm, zeros } from "../src/index.js";
import { init as nnInit } from "../src/nn/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";

afterEach(() => init({ backend: wasm }));

const make = (...shape: number[]): Parameter => parameter(zeros(shape));
const values = (p: Parameter): number[] => [...p.toTypedArray()];
const moments = (all: readonly number[]): [mean: number, std: number, most: number] => {
  const mean = all.reduce((a, b) => a + b, 0) / all.length;
  const variance = all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length;
  return [mean, Math.sqrt(variance), Math.max(...all.map(Math.abs))];
};

describe("spread", () => {
  const third = 1 / Math.sqrt(3);
  test.each<[string, (p: Parameter) => Parameter, number, number]>([
    ["uniform", (p) => nnInit.uniform(p, -2, 2), 2 * third, 2],
    ["normal", (p) => nnInit.normal(p, 0, 3), 3, Infinity],
    ["truncNormal", (p) => nnInit.truncNormal(p, 0, 1, -1, 1), 0.5396, 1],
    ["xavierUniform", (p) => nnInit.xavierUniform(p, 2), 2 * Math.sqrt(2 / 300), Infinity],
    ["xavierNormal", (p) => nnInit.xavierNormal(p), Math.sqrt(2 / 300), Infinity],
    ["kaimingUniform", (p) => nnInit.kaimingUniform(p), Math.sqrt(2 / 200), Math.sqrt(6 / 200)],
    [
      "kaimingUniform, a = √5",
      (p) => nnInit.kaimingUniform(p, { a: Math.sqrt(5) }),
      third / Math.sqrt(200),
      1 / Math.sqrt(200),
    ],
    [
      "kaimingNormal, fan out",
      (p) => nnInit.kaimingNormal(p, { mode: "fanOut", nonlinearity: "tanh" }),
      5 / 3 / 10,
      Infinity,
    ],
  ])("%s", (_, initialise, std, most) => {
    random.seed(5);
    const p = make(100, 200);
    expect(initialise(p)).toBe(p);
    const [mean, spread, largest] = moments(values(p));
    expect(Math.abs(mean)).toBeLessThan(0.03 * std);
    expect(Math.abs(spread / std - 1)).toBeLessThan(0.02);
    expect(largest).toBeLessThanOrEqual(Math.fround(most) * 1.000001);
    expect(largest).toBeGreaterThan(1.6 * std);
  });
});

test("a seed gives the same bits in both backends", () => {
  const run = (): number[] => {
    random.seed(7);
    return [nnInit.truncNormal, nnInit.orthogonal, nnInit.kaimingNormal].flatMap((initialise) =>
      values(initialise(make(5, 3))),
    );
  };
  const here = run();
  init({ backend: ts });
  expect(run()).toEqual(here);
});

test("constants", () => {
  expect(values(nnInit.constant(make(2), 0.5))).toEqual([0.5, 0.5]);
  expect(values(nnInit.ones(make(2)))).toEqual([1, 1]);
  expect(values(nnInit.zeros(nnInit.ones(make(2))))).toEqual([0, 0]);
  expect(nnInit.eye(make(2, 3)).toArray()).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ]);
});

test.each([
  [3, 5],
  [5, 3],
  [4, 2, 2],
])("orthogonal: the shorter side is orthonormal", (...shape) => {
  random.seed(2);
  const p = nnInit.orthogonal(make(...shape), 2);
  const [rows = 0] = shape;
  const flat = p.reshape([rows, -1]);
  const wide = rows <= (flat.shape[1] as number);
  const product = wide ? matmul(flat, flat.transpose()) : matmul(flat.transpose(), flat);
  for (const [i, row] of (product.toArray() as number[][]).entries())
    for (const [j, x] of row.entries()) expect(x).toBeCloseTo(i === j ? 4 : 0, 5);
});

test.each<[string, () => unknown, string]>([
  [
    "no fan",
    () => nnInit.xavierUniform(make(3)),
    "xavierUniform: no fan: got [3], expected at least two axes [out, in, …]",
  ],
  [
    "not a parameter",
    () => nnInit.normal(zeros([2]) as never),
    "normal: not a parameter: got a Tensor, expected a Parameter",
  ],
  [
    "inside compile",
    () => {
      const p = make(2);
      compile(() => void nnInit.ones(p))();
    },
    "constant: an initialiser inside compile: got Parameter(f32[2]) in a trace, expected it before",
  ],
  [
    "an unknown nonlinearity",
    () => nnInit.calculateGain("swish" as never),
    'calculateGain: unknown nonlinearity: got "swish", expected one of [linear, conv,',
  ],
  [
    "an empty interval",
    () => nnInit.truncNormal(make(2), 0, 1, 2, 2),
    "truncNormal: bad interval: got [2, 2], expected low < high",
  ],
  [
    "an interval that is never hit",
    () => nnInit.truncNormal(make(2), 0, 1, 50, 51),
    "truncNormal: the interval is too unlikely: got [50, 51] at mean 0 and std 1",
  ],
  [
    "a vector made orthogonal",
    () => nnInit.orthogonal(make(2)),
    "orthogonal: not a matrix: got [2], expected at least two axes",
  ],
])("bad input: %s", (_, call, message) => expect(call).toThrow(message));
