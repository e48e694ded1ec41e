/**
 * Convolution (cross-correlation, as everywhere in deep learning; LeCun et al. 1989) of x [n, C, H,
 * W] with w [O, C / groups, kH, kW]. It is bilinear, and one sum has three readings:
 *
 *     T(x, w, y) = Σ x[n, c, oy·s + ky·d − p, …] · w[o, c, ky, kx] · y[n, o, oy, ox]
 *
 *     convolve(x, w)       = ∂T/∂y             the convolution
 *     inputGradient(y, w)  = ∂T/∂x             its transpose in x: a transposed convolution
 *     weightGradient(x, y) = ∂T/∂w             its transpose in w
 *
 * Each is linear in its two operands, and the rules of each are the other two: derivatives of any
 * order stay among the three. All are products with columns of the image, which are never made.
 */
import { Opcode } from "../../assembly/opcodes.js";
import type { Lowering, Value } from "../plan/lowering.js";
import type { Shape } from "../shape.js";
import { type Op, record1 } from "../tape.js";
import type { Node, Tensor } from "../tensor.js";
import {
  type ConvOptions,
  type ConvTransposeOptions,
  convOf,
  transposedOf,
} from "./convOptions.js";
import { forwardPart, inputPart, weightPart } from "./convScratch.js";
import {
  asRow,
  fromRow,
  type Geometry,
  imageShape,
  mapShape,
  typed,
  weightShape,
  words,
} from "./geometry.js";
import { sum } from "./reduce.js";
import { broadcastTo, reshape } from "./shape.js";

const NO_BIAS = 0;
const NO_ACTIVATION = 0;

const operands = ({ inputs }: Node<Geometry>): [Tensor, Tensor] =>
  inputs as unknown as [Tensor, Tensor];
/** A bias per channel as a tensor that broadcasts against maps. */
const perChannel = (bias: Tensor, shape: Shape): Tensor =>
  broadcastTo(reshape(bias, [bias.size, 1, 1]), shape);

function scratchOf(node: Node<Geometry>, to: Lowering, size: number): Value {
  return to.temporary((node.outputs[0] as Tensor).dtype, size);
}

/** Inputs x, w and perhaps a bias [O]. */
const forwardOp: Op<Geometry> = {
  name: "conv2d",
  cost: "high",
  infer: (types, g) => typed(types, mapShape(g)),
  vjp: [
    (dy, node) => inputGradient(dy, operands(node)[1], node.attrs),
    (dy, node) => weightGradient(operands(node)[0], dy, node.attrs),
    (dy) => sum(dy, [0, 2, 3]),
  ],
  jvp: [
    (xDot, node) => convolve(xDot, operands(node)[1], node.attrs),
    (wDot, node) => convolve(operands(node)[0], wDot, node.attrs),
    (bDot, { attrs }) => perChannel(bDot, mapShape(attrs)),
  ],
  lower(node, to) {
    const g = node.attrs;
    const { span, scratch } = forwardPart(g);
    to.emit(
      Opcode.Conv2dForward,
      [to.output(node), scratchOf(node, to, scratch)],
      [
        ...[to.input(node, 0), to.input(node, 1), node.inputs[2] ? to.input(node, 2) : NO_BIAS],
        ...[...words(g), span, NO_ACTIVATION],
      ],
    );
  },
};

/** Inputs dy, w and perhaps a bias [C]: what a transposed convolution adds. */
const inputGradientOp: Op<Geometry> = {
  name: "conv2dInputGradient",
  cost: "high",
  infer: (types, g) => typed(types, imageShape(g)),
  vjp: [
    (d, node) => convolve(d, operands(node)[1], node.attrs),
    (d, node) => weightGradient(d, operands(node)[0], node.attrs),
    (d) => sum(d, [0, 2, 3]),
  ],
  jvp: [
    (dyDot, node) => inputGradient(dyDot, operands(node)[1], node.attrs),
    (wDot, node) => inputGradient(operands(node)[0], wDot, node.attrs),
    (bDot, { attrs }) => perChannel(bDot, imageShape(attrs)),
  ],
  lower(node, to) {
    const g = node.attrs;
    const { span, scratch } = inputPart(g);
    to.emit(
      Opcode.Conv2dInputGradient,
      [to.output(node), scratchOf(node, to, scratch)],
      [
        ...[to.input(node, 0), to.input(node, 1), node.inputs[2] ? to.input(node, 2) : NO_BIAS],
        ...[...words(g), span],
      ],
    );
  },
};

/** Inputs x, dy. */
const weightGradientOp: Op<Geometry> = {
  name: "conv2dWeightGradient",
  cost: "high",
  infer: (types, g) => typed(types, weightShape(g)),
  vjp: [
    (d, node) => inputGradient(operands(node)[1], d, node.attrs),
    (d, node) => convolve(operands(node)[0], d, node.attrs),
  ],
  jvp: [
    (xDot, node) => weightGradient(xDot, operands(node)[1], node.attrs),
    (dyDot, node) => weightGradient(operands(node)[0], dyDot, node.attrs),
  ],
  lower(node, to) {
    const { span, scratch } = weightPart(node.attrs);
    to.emit(
      Opcode.Conv2dWeightGradient,
      [to.output(node), scratchOf(node, to, scratch)],
      [
        ...[to.input(node, 0), to.input(node, 1), ...words(node.attrs), span],
        ...[0, node.attrs.filters],
      ],
    );
  },
};

const given = (bias: Tensor | undefined): Tensor[] => (bias ? [bias] : []);

const convolve = (x: Tensor, w: Tensor, g: Geometry, bias?: Tensor): Tensor =>
  record1(forwardOp, [x, w, ...given(bias)], g);
const inputGradient = (dy: Tensor, w: Tensor, g: Geometry, bias?: Tensor): Tensor =>
  record1(inputGradientOp, [dy, w, ...given(bias)], g);
const weightGradient = (x: Tensor, dy: Tensor, g: Geometry): Tensor =>
  record1(weightGradientOp, [x, dy], g);

/**
 * y = w ⋆ x + b, cross-correlation: x [n, C, H, W], weight [O, C / groups, kH, kW], bias [O] → [n,
 * O, oH, oW] with oH = ⌊(H + 2·padding − dilation·(kH − 1) − 1) / stride⌋ + 1. Every gradient is a
 * matrix product. RangeErrors for sizes that do not fit.
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvOptions = {},
): Tensor {
  return convolve(x, weight, convOf("conv2d", 2, x, weight, bias, options), bias);
}

/** `conv2d` along one axis: x [n, C, L], weight [O, C / groups, k], bias [O] → [n, O, oL]. */
export function conv1d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvOptions<number> = {},
): Tensor {
  const g = convOf("conv1d", 1, x, weight, bias, options);
  return fromRow(convolve(asRow(x), asRow(weight), g, bias));
}

/**
 * The transpose of `conv2d` in x (Dumoulin & Visin 2016), which stretches images: x [n, C, H, W],
 * weight [C, O / groups, kH, kW], bias [O] → [n, O, oH, oW] with oH = (H − 1)·stride − 2·padding +
 * dilation·(kH − 1) + outputPadding + 1.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvTransposeOptions = {},
): Tensor {
  const g = transposedOf("convTranspose2d", 2, x, weight, bias, options);
  return inputGradient(x, weight, g, bias);
}

/** `convTranspose2d` along one axis: x [n, C, L], weight [C, O / groups, k] → [n, O, oL]. */
export function convTranspose1d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvTransposeOptions<number> = {},
): Tensor {
  const g = transposedOf("convTranspose1d", 1, x, weight, bias, options);
  return fromRow(inputGradient(asRow(x), asRow(weight), g, bias));
}
