/**
 * Every number that the notes' programs show, derived again: from closed formulas and plain loops,
 * and from PyTorch's results for CS231n's examples. A program's own draws (`Given`) are taken as
 * they are; what follows from them is not.
 */
import { readFileSync } from "node:fs";
import {
  at,
  batchNorm,
  columns,
  type Matrix,
  map,
  norm,
  product,
  sigmoid,
  sigmoidSlope,
  softmax,
  softmaxGradient,
  softmaxLoss,
  sum,
  zip,
} from "./plain.js";

/** Numbers, and what holds them. */
export type Numbers =
  | number
  | boolean
  | string
  | readonly Numbers[]
  | { readonly [key: string]: Numbers };
export type Exports = { readonly [key: string]: Numbers };

interface Case {
  readonly name: string;
  readonly values: Readonly<Record<string, number>>;
  readonly grads: Readonly<Record<string, number>>;
}
const { cases } = JSON.parse(
  readFileSync(new URL("../golden/cs231n.json", import.meta.url), "utf8"),
) as { cases: Case[] };
const torch = (name: string): Case => cases.find((found) => found.name === name) as Case;
const pick = (all: Readonly<Record<string, number>>, names: string): Exports =>
  Object.fromEntries(names.split(" ").map((name) => [name, all[name] as number]));

function addThenMultiply(): Exports {
  // ∂(x + y)z is (z, z, x + y).
  const gradient = { dx: -4, dy: -4, dz: -2 + 5 };
  const { values, grads } = torch("xyz_notes");
  return {
    byHand: { q: 3, f: -12, dq: -4, ...gradient },
    byTape: gradient,
    onWires: ["x", "y", "z", "q", "f"].map((wire) => ({
      wire,
      value: values[wire] as number,
      gradient: grads[wire] as number,
    })),
  };
}

function sigmoidNeuron(): Exports {
  const score = 2 * -1 + -3 * -2 - 3;
  const d = sigmoidSlope(score);
  const { grads, values } = torch("sigmoid_neuron_notes");
  const gradient = {
    w: [-1 * d, -2 * d, d],
    x: [grads.x0 as number, grads.x1 as number],
  };
  const e = Math.exp(-score);
  return {
    score,
    output: values.f as number,
    // At the inputs of 1/s, +1, exp and ·(−1).
    stagedSlopes: [-1 / (1 + e) ** 2, -1 / (1 + e) ** 2, -e / (1 + e) ** 2, e / (1 + e) ** 2],
    fusedSlope: d,
    stagedGradient: gradient,
    fusedGradient: gradient,
  };
}

function staged(): Exports {
  const { values, grads } = torch("staged_notes");
  const wires = "sigy num sigx xpy xpysqr den invden";
  // By the quotient rule, in one go.
  const [x, y] = [3, -4];
  const [above, below] = [x + sigmoid(y), sigmoid(x) + (x + y) ** 2];
  const inX = (below - above * (sigmoidSlope(x) + 2 * (x + y))) / below ** 2;
  const inY = (sigmoidSlope(y) * below - above * 2 * (x + y)) / below ** 2;
  const gradient = { ...pick(grads, wires), x: inX, y: inY };
  return {
    values: pick(values, `${wires} f`),
    byHand: gradient,
    byTape: gradient,
    terms: {
      xpy: (-2 * above * (x + y)) / below ** 2,
      sigx: (-above * sigmoidSlope(x)) / below ** 2,
      num: 1 / below,
    },
    slip: 1 / below,
    checks: { right: true, slip: false },
  };
}

function gates(): Exports {
  const { grads } = torch("gates_notes");
  const gradient = pick(grads, "x y z w m n s f");
  const score = 0.5 * 1 - 0.25 * 2 - 3;
  return {
    gradient,
    tie: { ...gradient, z: 1, w: 1 },
    plain: [1, 2, -3],
    scaled: [1000, 2000, -3000],
    worse: [1e6, 1e6, 1e6],
    sameScore: [score, score],
  };
}

function matrixProduct(): Exports {
  const W = [
    [0.5, -1, 2, 0.25],
    [1.5, 0, -0.5, 1],
  ];
  const X = [
    [1, 2, -1],
    [0, -2, 3],
    [0.5, 1, -1.5],
    [4, -3, 2],
  ];
  const dD = [
    [1, -2, 0.5],
    [-1, 0.25, 3],
  ];
  // By indices, with no transpose: dW[i, k] = Σⱼ dD[i, j]·X[k, j], dX[k, j] = Σᵢ W[i, k]·dD[i, j].
  const dW = dD.map((d) => X.map((x) => sum(d.map((v, j) => v * (x[j] as number)))));
  const dX = X.map((x, k) => x.map((_, j) => sum(W.map((_, i) => at(W, i, k) * at(dD, i, j)))));
  return {
    value: product(W, X),
    hand: { dW, dX },
    tape: { dW, dX },
    checks: { right: true, slip: false },
  };
}

/**
 * Nielsen's net, its errors by forward mode: a nudge of one unit's z is pushed on through the layers,
 * and ∂C/∂z is what it does to the outputs, times a − y.
 */
function fourEquations(): Exports {
  const sizes = [3, 4, 4, 2];
  const entry = (l: number, j: number, k: number): number =>
    (((5 * j + 3 * k + 2 * l) % 7) - 3) / 4;
  const matrix = (l: number, rows: number, cols: number): Matrix =>
    Array.from({ length: rows }, (_, j) => Array.from({ length: cols }, (_, k) => entry(l, j, k)));
  const layers = sizes
    .slice(1)
    .map((rows, l) => ({ w: matrix(l, rows, sizes[l] as number), b: matrix(l + 10, rows, 1) }));
  const y = [[1], [0]];
  const a: Matrix[] = [[[0.5], [-1], [2]]];
  const z: Matrix[] = [];
  for (const { w, b } of layers) {
    z.push(zip((s, t) => s + t, product(w, a.at(-1) as Matrix), b));
    a.push(map(sigmoid, z.at(-1) as Matrix));
  }
  const error = zip((s, t) => s - t, a.at(-1) as Matrix, y);
  const delta = layers.map(({ b }, l) =>
    b.map((_, unit) => {
      let tangent = (z[l] as Matrix).map(([s], j) => [j === unit ? sigmoidSlope(s as number) : 0]);
      for (const [later, { w }] of layers.entries())
        if (later > l)
          tangent = zip(
            (slope, s) => slope * s,
            map(sigmoidSlope, z[later] as Matrix),
            product(w, tangent),
          );
      return [sum(zip((s, t) => s * t, error, tangent).flat())];
    }),
  );
  const dw = layers.map(({ w }, l) =>
    w.map((row, j) => row.map((_, k) => at(delta[l] as Matrix, j, 0) * at(a[l] as Matrix, k, 0))),
  );
  const all = { delta, db: delta, dw };
  return { byHand: all, byTape: all, checks: { right: true, slip: false } };
}

function modes(): Exports {
  const ks = Array.from({ length: 10 }, (_, k) => k + 1);
  const spread = ks.map((k) => k * Math.cos(k * 0.3));
  const gather = ks.map((k) => k * Math.cos((k * k) / 10));
  // k·t, cos, k·ṫ and their product; one number more where the way back, or the function, adds up.
  const right = (n: number) => ({ passes: 1, ops: 4, numbers: 4 * n });
  const wrong = (n: number) => ({ passes: n, ops: 5 * n, numbers: n * (4 * n + 1) });
  return {
    table: [1, 10, 100].flatMap((n) => [
      { function: `1 → ${n}`, mode: "forward", ...right(n) },
      { function: `1 → ${n}`, mode: "reverse", ...wrong(n) },
      { function: `${n} → 1`, mode: "forward", ...wrong(n) },
      { function: `${n} → 1`, mode: "reverse", ...right(n) },
    ]),
    jacobians: {
      spreadForward: spread,
      spreadReverse: spread,
      gatherForward: gather,
      gatherReverse: gather,
    },
  };
}

interface Drawn {
  readonly x: Matrix;
  readonly weights: Matrix[];
  readonly head: Matrix;
}

/** Norms of δ in a deep net, by the chain rule layer by layer. */
function deltaNorms({ x, weights, head }: Drawn, times: number, relu: boolean, norms: boolean) {
  const scale = times / Math.sqrt(x[0]?.length as number);
  const gate = relu ? (s: number) => Math.max(s, 0) : sigmoid;
  const slope = relu ? (s: number) => (s > 0 ? 1 : 0) : sigmoidSlope;
  let a = x;
  const layers = weights.map((drawn) => {
    const w = map((v) => v * scale, drawn);
    const z = product(a, w);
    const normalised = norms ? batchNorm(z) : { xHat: z, back: (d: Matrix) => d };
    a = map(gate, normalised.xHat);
    return { w, ...normalised };
  });
  const n = x.length;
  const classes = head[0]?.length as number;
  const dLogits = product(a, head).map((row, i) =>
    softmaxGradient(row, i % classes).map((d) => d / n),
  );
  let da = product(dLogits, columns(head));
  return layers
    .toReversed()
    .map(({ w, xHat, back }) => {
      const delta = back(zip((d, s) => d * s, da, map(slope, xHat)));
      da = product(delta, columns(w));
      return norm(delta);
    })
    .toReversed();
}

function vanishing({ drawn }: Exports): Exports {
  const net = (times: number, relu: boolean, norms: boolean): number[] =>
    deltaNorms(drawn as unknown as Drawn, times, relu, norms);
  const norms = {
    sigmoid: net(1, false, false),
    "weights × 4": net(4, false, false),
    "batch norm": net(1, false, true),
    relu: net(1, true, false),
    "relu, weights × √2": net(Math.SQRT2, true, false),
    "relu, batch norm": net(1, true, true),
  };
  const faded = Object.fromEntries(
    Object.entries(norms).map(([name, all]) => [name, (all.at(-1) as number) / (all[0] as number)]),
  );
  return { norms, faded };
}

function softmaxLossNotes(): Exports {
  const scores = [3.2, 5.1, -1.7];
  const right = { loss: softmaxLoss(scores, 0), gradient: softmaxGradient(scores, 0) };
  const nan = Number.NaN;
  // At × 1000 the differences of the scores decide alone: 1 for the largest, and 5100 − 3200.
  const large = { loss: 1900, gradient: [-1, 1, 0] };
  const batch = [scores, [1.3, 4.9, 2], [2.2, 2.5, -3.1]];
  return {
    moderate: { plain: right, stable: right, fused: right },
    throughMax: { terms: { sub: 1, broadcastTo: -1 }, gradient: 0 },
    inFused: 0,
    large: { plain: { loss: nan, gradient: [nan, nan, nan] }, stable: large, fused: large },
    checks: { right: true, slip: false },
    batchGradient: batch.map((row, i) => softmaxGradient(row, i).map((d) => d / 3)),
  };
}

function batchNormNotes(): Exports {
  const x = [
    [1, -2, 0.5],
    [3, 0, 0.25],
    [-1, 1, 4],
    [2, 5, -1],
  ];
  const dy = [
    [1, 0.5, -1],
    [-2, 1, 0.25],
    [0.5, -1, 2],
    [0.25, 3, 1],
  ];
  const [gamma, beta] = [
    [1.5, -0.5, 2],
    [0.1, 0.2, -0.3],
  ];
  const per = (a: Matrix, v: readonly number[], f: (s: number, t: number) => number): Matrix =>
    a.map((row) => row.map((s, c) => f(s, v[c] as number)));
  const { xHat, back } = batchNorm(x);
  const y = per(
    per(xHat, gamma, (s, g) => s * g),
    beta,
    (s, b) => s + b,
  );
  const gradient = {
    dx: back(per(dy, gamma, (d, g) => d * g)),
    dGamma: columns(zip((d, s) => d * s, dy, xHat)).map(sum),
    dBeta: columns(dy).map(sum),
  };
  // The paper's own equations, for ∂ℓ/∂σ² and ∂ℓ/∂μ, one feature at a time.
  const inside = columns(x).map((column, c) => {
    const mu = sum(column) / column.length;
    const centred = column.map((v) => v - mu);
    const v = sum(centred.map((s) => s * s)) / column.length + 1e-5;
    const g = gamma[c] as number;
    const along = g * sum(centred.map((s, i) => s * at(dy, i, c)));
    return [
      (-g * sum(columns(dy)[c] as number[])) / Math.sqrt(v),
      -along / 2 / v ** 1.5,
      -along / v,
      along,
    ];
  });
  const [dMu, dVariance, dRoot, dRstd] = columns(inside) as [
    number[],
    number[],
    number[],
    number[],
  ];
  const stages = { dMu, dVariance, dRoot, dRstd };
  return {
    output: { staged: y, fused: y },
    gradients: {
      staged: { ...gradient, ...stages },
      closed: gradient,
      fused: gradient,
      opened: stages,
    },
    secondTermOfDMu: [0, 0, 0],
    checks: { right: true, slip: false },
  };
}

interface Picture {
  readonly weights: [Matrix, number[], Matrix, number[]];
  readonly settings: { readonly digit: number; readonly rate: number; readonly steps: number };
}

/** The descent again, in loops: w1 [32, 64], w2 [10, 32]. */
function towardsAClass(exports: Exports): Exports {
  const { weights, settings } = exports as unknown as Picture;
  const [w1, b1, w2, b2] = weights;
  const { digit, rate, steps } = settings;
  const layer = (w: Matrix, b: readonly number[], x: readonly number[]): number[] =>
    w.map((row, j) => sum(row.map((v, k) => v * (x[k] as number))) + (b[j] as number));
  const look = (x: readonly number[]) => {
    const hidden = layer(w1, b1, x).map(Math.tanh);
    const logits = layer(w2, b2, hidden);
    const dHidden = product([softmaxGradient(logits, digit)], w2) as [number[]];
    const dSums = dHidden[0].map((d, j) => d * (1 - (hidden[j] as number) ** 2));
    const onPicture = product([dSums], w1) as [number[]];
    return {
      cost: softmaxLoss(logits, digit) + sum(x.map((v) => v * v)) / x.length,
      gradient: onPicture[0].map((d, k) => d + (2 * (x[k] as number)) / x.length),
      seen: softmax(logits),
    };
  };
  let x = Array.from({ length: 64 }, () => 0.5);
  const before = look(x);
  for (let k = 0; k < steps; k++) {
    const { gradient } = look(x);
    x = x.map((v, i) => Math.min(Math.max(v - rate * (gradient[i] as number), 0), 1));
  }
  return { before, after: look(x), picture: x };
}

interface Note {
  readonly program: string;
  /** Its last line. */
  readonly claim: string;
  /** Exports that are the program's own choice, and not tested. */
  readonly given?: readonly string[];
  readonly expected: (exports: Exports) => Exports;
}

export const notes: readonly Note[] = [
  {
    program: "addThenMultiply",
    claim: "the gradient is (-4, -4, 3)",
    expected: addThenMultiply,
  },
  {
    program: "sigmoidNeuron",
    claim: "four gates and one: the same",
    expected: sigmoidNeuron,
  },
  { program: "staged", claim: "by hand and by tape: the same", expected: staged },
  { program: "gates", claim: "a thousand times", expected: gates },
  {
    program: "matrixProduct",
    claim: "the slopes agree with the right one",
    expected: matrixProduct,
  },
  { program: "fourEquations", claim: "four equations, one tape", expected: fourEquations },
  { program: "modes", claim: "one Jacobian, two prices", expected: modes },
  {
    program: "vanishing",
    claim: "sigmoids fade; batch norm, or ReLU with the right weights, does not",
    given: ["drawn"],
    expected: vanishing,
  },
  {
    program: "softmaxLoss",
    claim: "nothing passes the max node, and at × 1000 only stable and fused survive",
    expected: softmaxLossNotes,
  },
  { program: "batchNorm", claim: "staged, closed, fused: the same", expected: batchNormNotes },
  {
    program: "towardsAClass",
    claim: "seen",
    given: ["weights", "settings"],
    expected: towardsAClass,
  },
];
