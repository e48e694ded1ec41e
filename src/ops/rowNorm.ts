/**
 * Normalisations within an example: layer norm (Ba, Kiros & Hinton 2016) and root-mean-square norm
 * over the trailing axes, group norm (Wu & He 2018) over groups of channels. What normalises is one
 * fused kernel over rows, which of a layer norm also scales and shifts:
 *
 *     μ = mean x;  r = 1 / √(mean (x − μ)² + ε);  x̂ = (x − μ)·r;  y = x̂·γ + β
 *     dβ = Σ dy;  dγ = Σ dy·x̂;  d = dy·γ;  dx = r·(d − mean d − x̂·mean(d·x̂))
 *
 * Elsewhere scale and shift are a product and a sum.
 */
import { Opcode } from "../../assembly/opcodes.js";
import { checkArray, formatShape, type Shape, sameShape, sizeOf } from "../shape.js";
import { checkTensors, type Op, record, record1 } from "../tape.js";
import type { Tensor, TensorType } from "../tensor.js";
import { checkFloat } from "./create.js";
import { add, div, mul, sqrt, square, sub } from "./elementwise.js";
import { normaliseRows } from "./norm.js";
import { mean, sum } from "./reduce.js";
import { reshape } from "./shape.js";

interface NormAttrs {
  readonly eps: number;
}

interface Normalised {
  readonly mu: Tensor;
  readonly rstd: Tensor;
  readonly xHat: Tensor;
}

function normalise(x: Tensor, eps: number): Normalised {
  const mu = mean(x, 1, true);
  const centred = sub(x, mu);
  const rstd = div(1, sqrt(add(mean(square(centred), 1, true), eps)));
  return { mu, rstd, xHat: mul(centred, rstd) };
}

/** Inputs x [rows, n], gamma [n], beta [n]; outputs y and the mean and 1 / deviation of each row. */
const layerOp: Op<NormAttrs> = {
  name: "layerNorm",
  infer([x]) {
    const { shape, dtype } = x as TensorType;
    const perRow = { shape: shape.slice(0, 1), dtype };
    return [x as TensorType, perRow, perRow];
  },
  vjpAll(node, [dy, dMean, dRstd]) {
    if (dMean || dRstd || !dy) return undefined;
    const [x, gamma] = node.inputs as [Tensor, Tensor];
    const [, mu, rstd] = node.outputs as [Tensor, Tensor, Tensor];
    return record(layerBackwardOp, [x, mu, rstd, gamma, dy], node.attrs);
  },
  decomposition([x, gamma, beta], { eps }) {
    const { mu, rstd, xHat } = normalise(x as Tensor, eps);
    const y = add(mul(xHat, gamma as Tensor), beta as Tensor);
    return [y, reshape(mu, [mu.size]), reshape(rstd, [rstd.size])];
  },
  lower(node, to) {
    const [rows, n] = (node.outputs[0] as Tensor).shape as [number, number];
    const x = to.input(node, 0);
    const y = to.output(node, 0);
    to.emit(
      Opcode.LayerNormForward,
      [y, to.output(node, 1), to.output(node, 2)],
      [x, to.input(node, 1), to.input(node, 2), rows, n, to.scalar(node.attrs.eps)],
      [[y, x]],
    );
  },
};

/** Inputs x, mean, rstd, gamma, dy; outputs dx, dGamma, dBeta. */
const layerBackwardOp: Op<NormAttrs> = {
  name: "layerNormBackward",
  infer(types) {
    const [x, , , gamma] = types as [TensorType, TensorType, TensorType, TensorType];
    return [x, gamma, gamma];
  },
  decomposition([x, , , gamma, dy], { eps }) {
    const [input, g] = [x as Tensor, dy as Tensor];
    const { rstd, xHat } = normalise(input, eps);
    const d = mul(g, gamma as Tensor);
    const centred = sub(sub(d, mean(d, 1, true)), mul(xHat, mean(mul(d, xHat), 1, true)));
    return [mul(rstd, centred), sum(mul(g, xHat), 0), sum(g, 0)];
  },
  lower(node, to) {
    const [rows, n] = (node.outputs[0] as Tensor).shape as [number, number];
    const [x, dy] = [to.input(node, 0), to.input(node, 4)];
    const dx = to.output(node, 0);
    const scratch = to.temporary(x.dtype, 4 * n + 16);
    to.emit(
      Opcode.LayerNormBackward,
      [dx, to.output(node, 1), to.output(node, 2), scratch],
      [x, to.input(node, 1), to.input(node, 2), to.input(node, 3), dy, rows, n],
      [
        [dx, dy],
        [dx, x],
      ],
    );
  },
};

/** 1 / √(mean x² + eps) of each row. */
const rstdOf = (x: Tensor, eps: number): Tensor => div(1, sqrt(add(mean(square(x), 1, true), eps)));

const rmsOp: Op<NormAttrs> = {
  name: "rmsNorm",
  infer: ([x]) => [x as TensorType],
  vjp: [(dy, { inputs: [x], attrs }) => record1(rmsBackwardOp, [x as Tensor, dy], attrs)],
  decomposition: ([x], { eps }) => [mul(x as Tensor, rstdOf(x as Tensor, eps))],
  // The Jacobian of each row is symmetric.
  jvp: [(xDot, { inputs: [x], attrs }) => record1(rmsBackwardOp, [x as Tensor, xDot], attrs)],
  lower(node, to) {
    const [rows, n] = (node.outputs[0] as Tensor).shape as [number, number];
    const x = to.input(node, 0);
    const y = to.output(node);
    to.emit(Opcode.RmsNorm, [y], [x, rows, n, to.scalar(node.attrs.eps)], [[y, x]]);
  },
};

/** Inputs x, dy. */
const rmsBackwardOp: Op<NormAttrs> = {
  name: "rmsNormBackward",
  infer: ([x]) => [x as TensorType],
  decomposition([x, dy], { eps }) {
    const [input, d] = [x as Tensor, dy as Tensor];
    const rstd = rstdOf(input, eps);
    const xHat = mul(input, rstd);
    return [mul(rstd, sub(d, mul(xHat, mean(mul(d, xHat), 1, true))))];
  },
  lower(node, to) {
    const [rows, n] = (node.outputs[0] as Tensor).shape as [number, number];
    const [x, dy] = [to.input(node, 0), to.input(node, 1)];
    const dx = to.output(node);
    const scratch = to.temporary(x.dtype, n);
    to.emit(
      Opcode.RmsNormBackward,
      [dx, scratch],
      [x, dy, rows, n, to.scalar(node.attrs.eps)],
      [[dx, dy]],
    );
  },
};

/** x as [rows, n], n the size of its trailing axes `shape`. */
function rowsOf(op: string, x: Tensor, shape: Shape): Tensor {
  checkFloat(op, x.dtype);
  if (shape.length === 0 || !sameShape(x.shape.slice(-shape.length), shape))
    throw new RangeError(
      `${op}: trailing axes differ: got ${formatShape(x.shape)}, expected […, ${shape.join(", ")}]`,
    );
  const n = sizeOf(shape);
  return reshape(x, [n === 0 ? 0 : x.size / n, n]);
}

function checkParameter(op: string, name: string, given: Tensor | undefined, shape: Shape): void {
  if (given && !sameShape(given.shape, shape))
    throw new RangeError(
      `${op}: ${name} does not fit: got ${formatShape(given.shape)}, expected ${formatShape(shape)}`,
    );
}

function affine(y: Tensor, gamma: Tensor | undefined, beta: Tensor | undefined): Tensor {
  const scaled = gamma ? mul(y, gamma) : y;
  return beta ? add(scaled, beta) : scaled;
}

/**
 * (x − mean) / √(variance + eps) · gamma + beta over the trailing axes `shape`, of which gamma and
 * beta have the shape; statistics of each example alone.
 */
export function layerNorm(
  x: Tensor,
  shape: Shape,
  gamma?: Tensor,
  beta?: Tensor,
  eps = 1e-5,
): Tensor {
  checkTensors("layerNorm", x);
  checkArray("layerNorm", "shape", shape);
  checkParameter("layerNorm", "gamma", gamma, shape);
  checkParameter("layerNorm", "beta", beta, shape);
  const rows = rowsOf("layerNorm", x, shape);
  if (!gamma || !beta || gamma.dtype !== x.dtype || beta.dtype !== x.dtype)
    return affine(reshape(normaliseRows(rows, eps), x.shape), gamma, beta);
  const n = [rows.shape[1] as number];
  const [y] = record(layerOp, [rows, reshape(gamma, n), reshape(beta, n)], { eps });
  return reshape(y as Tensor, x.shape);
}

/** x / √(mean x² + eps) · gamma over the trailing axes `shape`. */
export function rmsNorm(x: Tensor, shape: Shape, gamma?: Tensor, eps = 1e-5): Tensor {
  checkTensors("rmsNorm", x);
  checkArray("rmsNorm", "shape", shape);
  checkParameter("rmsNorm", "gamma", gamma, shape);
  const rows = rowsOf("rmsNorm", x, shape);
  return affine(reshape(record1(rmsOp, [rows], { eps }), x.shape), gamma, undefined);
}

/**
 * x [n, channels, …] normalised over groups of neighbouring channels of one example; gamma and beta
 * are one for each channel.
 */
export function groupNorm(
  x: Tensor,
  groups: number,
  gamma?: Tensor,
  beta?: Tensor,
  eps = 1e-5,
): Tensor {
  checkTensors("groupNorm", x);
  checkFloat("groupNorm", x.dtype);
  const [n, channels, ...rest] = x.shape;
  if (n === undefined || channels === undefined)
    throw new RangeError(
      `groupNorm: too few axes: got ${formatShape(x.shape)}, expected [n, channels] or [n, channels, …]`,
    );
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new RangeError(
      `groupNorm: groups do not divide the channels: got ${groups} for ${channels}, expected a divisor`,
    );
  checkParameter("groupNorm", "gamma", gamma, [channels]);
  checkParameter("groupNorm", "beta", beta, [channels]);
  const rows = reshape(x, [n * groups, (channels / groups) * sizeOf(rest)]);
  const per = (parameter: Tensor | undefined): Tensor | undefined =>
    parameter && reshape(parameter, [channels, ...rest.map(() => 1)]);
  return affine(reshape(normaliseRows(rows, eps), x.shape), per(gamma), per(beta));
}
