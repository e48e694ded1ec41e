import { Axis, axisAt, correlate } from "./correlation";
import { add, relu, sigmoid, tanh } from "./elementwise";
import { product } from "./gemm";
import { Geometry } from "./geometry";
import { Activation } from "./opcodes";
import { positionSums } from "./positionSums";

/**
 * Convolution and its gradients: the two that go over positions are correlations, the other sums
 * over positions. A kernel of 1 × 1 is a plain product.
 */

/** Bytes of n elements. */
// @ts-ignore: decorator
@inline
function bytes(n: u32): usize {
  return <usize>n << 2;
}

/** Whether the image is its own columns. */
function isPointwise(g: Geometry): bool {
  return (
    g.kernelHeight == 1 && g.kernelWidth == 1 && g.strideY == 1 && g.strideX == 1 &&
    g.paddingY == 0 && g.paddingX == 0 && g.outHeight == g.height && g.outWidth == g.width
  );
}

/** The positions of a convolution along one axis: all of the result, over all of the kernel. */
function describe(
  axis: Axis, source: u32, result: u32, kernel: u32, stride: u32, padding: u32, dilation: u32,
): void {
  axis.source = source;
  axis.result = result;
  axis.positions = result;
  axis.origin = 0;
  axis.spacing = 1;
  axis.stride = stride;
  axis.taps = kernel;
  axis.first = 0;
  axis.step = 1;
  axis.start = -<i32>padding;
  axis.reach = <i32>dilation;
}

export function conv2dForward(
  y: usize, scratch: usize, x: usize, w: usize, bias: usize, geometry: usize,
  span: u32, activation: u32, workspace: usize,
): void {
  const g = changetype<Geometry>(geometry);
  const channels = g.channels / g.groups;
  const window = g.kernelHeight * g.kernelWidth;
  const depth = channels * window;
  const m = g.filters / g.groups;
  const area = g.outHeight * g.outWidth;
  const plane = g.height * g.width;
  const image = bytes(g.channels * plane);
  const maps = bytes(g.filters * area);
  if (isPointwise(g)) {
    for (let n: u32 = 0; n < g.batch; n++, x += image, y += maps) {
      for (let group: u32 = 0; group < g.groups; group++) {
        const out = y + bytes(group * m * area);
        product(
          out, w + bytes(group * m * depth), x + bytes(group * channels * plane), 0, m, area, depth,
          area, depth, 1, area, 1, 1, 0, Activation.None, workspace,
        );
        if (bias) add(out, out, bias + bytes(group * m), m, area, area, 1, 1, 0);
        if (activation == Activation.Relu) relu(out, out, m * area);
        else if (activation == Activation.Sigmoid) sigmoid(out, out, m * area);
        else if (activation == Activation.Tanh) tanh(out, out, m * area);
      }
    }
    return;
  }
  describe(
    axisAt(scratch, 0), g.height, g.outHeight, g.kernelHeight, g.strideY, g.paddingY, g.dilationY,
  );
  describe(
    axisAt(scratch, 1), g.width, g.outWidth, g.kernelWidth, g.strideX, g.paddingX, g.dilationX,
  );
  for (let group = g.groups; group > 0; group--) {
    correlate(
      scratch, y, maps, x, image, w, bytes(depth), bytes(window), g.kernelWidth, bias, g.batch,
      channels, m, span, activation,
    );
    y += bytes(m * area);
    x += bytes(channels * plane);
    w += bytes(m * depth);
    if (bias) bias += bytes(m);
  }
}

/**
 * The pixels of one residue class along one axis, `residue` modulo the stride: of the kernel, they
 * look at the elements whose distance is a multiple of the stride.
 */
function describeClass(
  axis: Axis, residue: u32, source: u32, result: u32, kernel: u32, stride: u32, padding: u32,
  dilation: u32,
): void {
  axis.source = source;
  axis.result = result;
  axis.positions = (result - residue + stride - 1) / stride;
  axis.origin = residue;
  axis.spacing = stride;
  axis.stride = 1;
  axis.taps = 0;
  axis.step = 0;
  axis.start = 0;
  axis.reach = 0;
  for (let k: u32 = 0; k < kernel; k++) {
    const distance = <i32>(residue + padding) - <i32>(k * dilation);
    if (distance % <i32>stride) continue;
    const at = distance / <i32>stride;
    if (axis.taps == 0) {
      axis.first = k;
      axis.start = at;
    } else if (axis.taps == 1) {
      axis.step = k - axis.first;
      axis.reach = at - axis.start;
    }
    axis.taps++;
  }
}

export function conv2dInputGradient(
  dx: usize, scratch: usize, dy: usize, w: usize, bias: usize, geometry: usize,
  span: u32, workspace: usize,
): void {
  const g = changetype<Geometry>(geometry);
  const channels = g.channels / g.groups;
  const window = g.kernelHeight * g.kernelWidth;
  const depth = channels * window;
  const k = g.filters / g.groups;
  const area = g.outHeight * g.outWidth;
  const plane = g.height * g.width;
  const image = bytes(g.channels * plane);
  const maps = bytes(g.filters * area);
  if (isPointwise(g)) {
    for (let n: u32 = 0; n < g.batch; n++, dx += image, dy += maps) {
      for (let group: u32 = 0; group < g.groups; group++) {
        const out = dx + bytes(group * channels * plane);
        product(
          out, w + bytes(group * k * depth), dy + bytes(group * k * area), 0, channels, area, k,
          area, 1, depth, area, 1, 1, 0, Activation.None, workspace,
        );
        if (bias) add(out, out, bias + bytes(group * channels), channels, plane, plane, 1, 1, 0);
      }
    }
    return;
  }
  for (let group = g.groups; group > 0; group--) {
    for (let top: u32 = 0; top < min(g.strideY, g.height); top++) {
      describeClass(
        axisAt(scratch, 0), top, g.outHeight, g.height, g.kernelHeight, g.strideY, g.paddingY,
        g.dilationY,
      );
      for (let left: u32 = 0; left < min(g.strideX, g.width); left++) {
        describeClass(
          axisAt(scratch, 1), left, g.outWidth, g.width, g.kernelWidth, g.strideX, g.paddingX,
          g.dilationX,
        );
        correlate(
          scratch, dx, image, dy, maps, w, bytes(window), bytes(depth), g.kernelWidth, bias, g.batch,
          k, channels, span, Activation.None,
        );
      }
    }
    dx += bytes(channels * plane);
    dy += bytes(k * area);
    w += bytes(k * depth);
    if (bias) bias += bytes(channels);
  }
}

export function conv2dWeightGradient(
  dw: usize, scratch: usize, x: usize, dy: usize, geometry: usize, span: u32, first: u32, end: u32,
): void {
  const g = changetype<Geometry>(geometry);
  const channels = g.channels / g.groups;
  const m = g.filters / g.groups;
  const depth = channels * g.kernelHeight * g.kernelWidth;
  for (let group: u32 = 0; group < g.groups; group++) {
    const from = max(first, group * m);
    const to = min(end, group * m + m);
    if (from >= to) continue;
    positionSums(
      dw + bytes(from * depth), scratch, x + bytes(group * channels * g.height * g.width),
      dy + bytes(from * g.outHeight * g.outWidth), g, channels, to - from, span,
    );
  }
}
