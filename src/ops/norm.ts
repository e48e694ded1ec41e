/**
 * Batch normalisation (Ioffe & Szegedy 2015), staged as one would by hand: per channel, over n
 * values,
 *
 *     μ = Σx / n;  v = Σ(x − μ)² / n;  r = 1 / √(v + ε);  x̂ = (x − μ)·r;  y = x̂·γ + β
 *     dβ = Σdy;  dγ = Σ dy·x̂;  dx = γ·r·(dy − dβ/n − x̂·dγ/n)
 *
 * x is [n, channels] or [n, channels, …]; statistics are over every axis but the second.
 */
import { Opcode } from "../../assembly/opcodes.js";
import { formatShape, type Shape, sizeOf } from "../shape.js";
import { type Op, record, record1 } from "../tape.js";
import { type FloatDtype, isFloat, type Tensor, type TensorType } from "../tensor.js";
import { full } from "./create.js";
import { add, div, mul, sqrt, square, sub } from "./elementwise.js";
import { mean, sum } from "./reduce.js";
import { broadcastTo, reshape } from "./shape.js";

/** A pass may fuse a relu (`src/plan/normEpilogues.ts`). */
const NO_ACTIVATION = 0;
const NO_RELU = 0;

interface NormAttrs {
  readonly eps: number;
}

/** [outer, channels, inner] */
const extents = (shape: Shape): [number, number, number] => [
  shape[0] as number,
  shape[1] as number,
  sizeOf(shape.slice(2)),
];
const others = (x: Tensor): number[] => x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
/** [channels] as a tensor that broadcasts against x. */
const along = (x: Tensor, perChannel: Tensor): Tensor =>
  reshape(perChannel, [perChannel.size, ...x.shape.slice(2).map(() => 1)]);

interface Normalised {
  readonly mu: Tensor;
  readonly variance: Tensor;
  readonly rstd: Tensor;
  readonly xHat: Tensor;
}

function normalise(x: Tensor, eps: number): Normalised {
  const axes = others(x);
  const mu = mean(x, axes);
  const centred = sub(x, along(x, mu));
  const variance = mean(square(centred), axes);
  const rstd = div(1, sqrt(add(variance, eps)));
  return { mu, variance, rstd, xHat: mul(centred, along(x, rstd)) };
}

/** Outputs: y, the batch's mean [channels], its biased variance [channels]. */
const forwardOp: Op<NormAttrs> = {
  name: "batchNorm",
  infer(types) {
    const [x, gamma] = types as [TensorType, TensorType];
    const channels = { shape: gamma.shape, dtype: x.dtype };
    return [x, channels, channels];
  },
  vjpAll(node, [dy, dMean, dVariance]) {
    if (dMean || dVariance || !dy) return undefined;
    const [x, gamma] = node.inputs as [Tensor, Tensor];
    const [, mu, variance] = node.outputs as [Tensor, Tensor, Tensor];
    return record(backwardOp, [x, mu, variance, gamma, dy], node.attrs);
  },
  decomposition([x, gamma, beta], { eps }) {
    const input = x as Tensor;
    const { mu, variance, xHat } = normalise(input, eps);
    const scaled = mul(xHat, along(input, gamma as Tensor));
    return [add(scaled, along(input, beta as Tensor)), mu, variance];
  },
  lower(node, to) {
    const x = to.input(node, 0);
    const y = to.output(node, 0);
    const [outer, channels, inner] = extents((node.outputs[0] as Tensor).shape);
    to.emit(
      Opcode.BatchNormForward,
      [y, to.output(node, 1), to.output(node, 2)],
      [
        ...[x, to.input(node, 1), to.input(node, 2)],
        ...[outer, channels, inner, channels],
        to.scalar(node.attrs.eps),
        NO_ACTIVATION,
      ],
      [[y, x]],
    );
  },
};

/** Inputs x, mean, variance, gamma, dy; outputs dx, dGamma, dBeta. */
const backwardOp: Op<NormAttrs> = {
  name: "batchNormBackward",
  infer(types) {
    const [x, , , gamma] = types as [TensorType, TensorType, TensorType, TensorType];
    return [x, gamma, gamma];
  },
  decomposition([x, , , gamma, dy], { eps }) {
    const [input, d] = [x as Tensor, dy as Tensor];
    const { rstd, xHat } = normalise(input, eps);
    const axes = others(input);
    const [dBeta, dGamma] = [sum(d, axes), sum(mul(d, xHat), axes)];
    const n = input.size / dBeta.size;
    const centred = sub(
      sub(d, along(input, div(dBeta, n))),
      mul(xHat, along(input, div(dGamma, n))),
    );
    return [mul(along(input, mul(gamma as Tensor, rstd)), centred), dGamma, dBeta];
  },
  lower(node, to) {
    const [x, dy] = [to.input(node, 0), to.input(node, 4)];
    const dx = to.output(node, 0);
    const [outer, channels, inner] = extents((node.outputs[0] as Tensor).shape);
    to.emit(
      Opcode.BatchNormBackward,
      [dx, to.output(node, 1), to.output(node, 2)],
      [
        ...[x, to.input(node, 1), to.input(node, 2), to.input(node, 3), dy],
        ...[outer, channels, inner, channels],
        to.scalar(node.attrs.eps),
        NO_RELU,
      ],
      [
        [dx, dy],
        [dx, x],
      ],
    );
  },
};

/** Inputs x, mean, variance, gamma, beta. */
const evalOp: Op<NormAttrs> = {
  name: "batchNormEval",
  infer: ([x]) => [x as TensorType],
  decomposition([x, mu, variance, gamma, beta], { eps }) {
    const input = x as Tensor;
    const per = (channel: Tensor | undefined): Tensor => along(input, channel as Tensor);
    const rstd = div(1, sqrt(add(variance as Tensor, eps)));
    return [add(mul(mul(sub(input, per(mu)), per(rstd)), per(gamma)), per(beta))];
  },
  lower(node, to) {
    const x = to.input(node, 0);
    const y = to.output(node);
    to.emit(
      Opcode.BatchNormEval,
      [y],
      [
        ...[x, to.input(node, 1), to.input(node, 2), to.input(node, 3), to.input(node, 4)],
        ...extents((node.outputs[0] as Tensor).shape),
        to.scalar(node.attrs.eps),
        NO_ACTIVATION,
      ],
      [[y, x]],
    );
  },
};

function check(op: string, x: Tensor, perChannel: readonly Tensor[]): void {
  if (x.rank < 2)
    throw new RangeError(
      `${op}: too few axes: got ${formatShape(x.shape)}, expected [n, channels] or [n, channels, …]`,
    );
  for (const tensor of perChannel) {
    if (tensor.rank !== 1 || tensor.size !== x.shape[1])
      throw new RangeError(
        `${op}: channels differ: got x ${formatShape(x.shape)} and a parameter ${formatShape(tensor.shape)}, expected [${x.shape[1]}]`,
      );
    if (tensor.dtype !== x.dtype || !isFloat(x.dtype))
      throw new TypeError(
        `${op}: dtypes differ or are not floats: got x ${x.dtype} and a parameter ${tensor.dtype}, expected equal floats`,
      );
  }
}

/**
 * Each row of x [rows, n] less its mean and over its deviation: a batch norm in which every row is a
 * channel. A row of one value becomes 0.
 */
export function normaliseRows(x: Tensor, eps: number): Tensor {
  const [rows, n] = x.shape as [number, number];
  const per = (value: number): Tensor =>
    broadcastTo(full([], value, { dtype: x.dtype as FloatDtype }), [rows]);
  const [y] = record(forwardOp, [reshape(x, [1, rows, n]), per(1), per(0)], { eps });
  return reshape(y as Tensor, [rows, n]);
}

export interface BatchNormResult {
  readonly y: Tensor;
  readonly mean: Tensor;
  /** Biased: divided by n. */
  readonly variance: Tensor;
  /** Values per channel. */
  readonly count: number;
}

/**
 * Normalises x by the statistics of the batch itself; more than one value per channel is needed.
 */
export function batchNormTrain(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  eps = 1e-5,
): BatchNormResult {
  check("batchNorm", x, [gamma, beta]);
  const count = x.size / (x.shape[1] as number);
  if (count <= 1)
    throw new RangeError(
      `batchNorm: one value per channel has no variance: got ${formatShape(x.shape)} in training, ` +
        "expected a batch of at least 2; call eval() to use the running statistics",
    );
  const [y, mu, variance] = record(forwardOp, [x, gamma, beta], { eps }) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  return { y, mean: mu, variance, count };
}

/** Normalises x by given statistics. */
export function batchNormEval(
  x: Tensor,
  mu: Tensor,
  variance: Tensor,
  gamma: Tensor,
  beta: Tensor,
  eps = 1e-5,
): Tensor {
  check("batchNorm", x, [mu, variance, gamma, beta]);
  return record1(evalOp, [x, mu, variance, gamma, beta], { eps });
}
