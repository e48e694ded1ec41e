import { Activation } from "../../assembly/opcodes.js";
import { type Axis, correlate } from "./correlation.js";
import { add, relu, sigmoid, tanh } from "./elementwise.js";
import { type Heap, SHIFT } from "./float.js";
import { product } from "./gemm.js";
import { type Geometry, geometryAt } from "./geometry.js";
import { positionSums } from "./positionSums.js";

/** Convolution and its gradients (see `assembly/conv.ts`). */

const NONE = Activation.None;

/** Sizes of one group: channels, depth and filters, and the elements of a plane in and out. */
function sizesOf(g: Geometry) {
  const channels = g.channels / g.groups;
  return {
    channels,
    depth: channels * g.kernelHeight * g.kernelWidth,
    filters: g.filters / g.groups,
    plane: g.height * g.width,
    area: g.outHeight * g.outWidth,
  };
}

/** Whether the image is its own columns. */
function isPointwise(g: Geometry): boolean {
  const one = g.kernelHeight === 1 && g.kernelWidth === 1 && g.strideY === 1 && g.strideX === 1;
  const whole = g.outHeight === g.height && g.outWidth === g.width;
  return one && whole && g.paddingY === 0 && g.paddingX === 0;
}

/** The positions of a convolution along one axis: all of the result, over all of the kernel. */
function describe(
  source: number,
  result: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
): Axis {
  return {
    ...{ source, result, positions: result, origin: 0, spacing: 1, stride },
    ...{ taps: kernel, first: 0, step: 1, start: -padding, reach: dilation },
  };
}

export function conv2dForward(
  m: Heap,
  y: number,
  scratch: number,
  x: number,
  w: number,
  bias: number,
  geometry: number,
  span: number,
  activation: number,
): void {
  const g = geometryAt(m, geometry);
  const { channels, depth, filters, plane, area } = sizesOf(g);
  if (isPointwise(g)) {
    for (let part = 0; part < g.batch * g.groups; part++) {
      const group = part % g.groups;
      const out = y + part * filters * area * (1 << SHIFT);
      const image = x + part * channels * plane * (1 << SHIFT);
      const weights = w + group * filters * depth * (1 << SHIFT);
      product(m, out, weights, image, 0, filters, area, depth, area, depth, 1, area, 1, 1, 0, NONE);
      const shift = bias + group * filters * (1 << SHIFT);
      if (bias !== 0) add(m, out, out, shift, filters, area, area, 1, 1, 0);
      if (activation === Activation.Relu) relu(m, out, out, filters * area);
      else if (activation === Activation.Sigmoid) sigmoid(m, out, out, filters * area);
      else if (activation === Activation.Tanh) tanh(m, out, out, filters * area);
    }
    return;
  }
  const rows = describe(
    ...([g.height, g.outHeight, g.kernelHeight, g.strideY, g.paddingY, g.dilationY] as const),
  );
  const columns = describe(
    ...([g.width, g.outWidth, g.kernelWidth, g.strideX, g.paddingX, g.dilationX] as const),
  );
  for (let group = 0; group < g.groups; group++) {
    correlate(m, rows, columns, {
      scratch: scratch >>> SHIFT,
      out: (y >>> SHIFT) + group * filters * area,
      outImage: g.filters * area,
      x: (x >>> SHIFT) + group * channels * plane,
      xImage: g.channels * plane,
      w: (w >>> SHIFT) + group * filters * depth,
      filterSize: depth,
      planeSize: g.kernelHeight * g.kernelWidth,
      kernelWidth: g.kernelWidth,
      bias: bias === 0 ? -1 : (bias >>> SHIFT) + group * filters,
      batch: g.batch,
      planes: channels,
      filters,
      span,
      activation,
    });
  }
}

/** The pixels `residue` modulo the stride along one axis (see `assembly/conv.ts`). */
function describeClass(
  residue: number,
  source: number,
  result: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
): Axis {
  const taps = Array.from({ length: kernel }, (_, k) => k).filter(
    (k) => (residue + padding - k * dilation) % stride === 0,
  );
  const [first = 0, second = first] = taps;
  return {
    ...{ source, result, positions: Math.ceil((result - residue) / stride) },
    ...{ origin: residue, spacing: stride, stride: 1 },
    ...{ taps: taps.length, first, step: second - first },
    start: taps.length > 0 ? (residue + padding - first * dilation) / stride : 0,
    reach: -((second - first) * dilation) / stride,
  };
}

export function conv2dInputGradient(
  m: Heap,
  dx: number,
  scratch: number,
  dy: number,
  w: number,
  bias: number,
  geometry: number,
  span: number,
): void {
  const g = geometryAt(m, geometry);
  const { channels, depth, filters, plane, area } = sizesOf(g);
  if (isPointwise(g)) {
    for (let part = 0; part < g.batch * g.groups; part++) {
      const group = part % g.groups;
      const out = dx + part * channels * plane * (1 << SHIFT);
      const from = dy + part * filters * area * (1 << SHIFT);
      const weights = w + group * filters * depth * (1 << SHIFT);
      product(
        m,
        ...([out, weights, from, 0, channels, area, filters] as const),
        ...([area, 1, depth, area, 1, 1, 0, NONE] as const),
      );
      const shift = bias + group * channels * (1 << SHIFT);
      if (bias !== 0) add(m, out, out, shift, channels, plane, plane, 1, 1, 0);
    }
    return;
  }
  for (let group = 0; group < g.groups; group++) {
    for (let top = 0; top < Math.min(g.strideY, g.height); top++) {
      const rows = describeClass(
        ...([top, g.outHeight, g.height, g.kernelHeight, g.strideY] as const),
        ...([g.paddingY, g.dilationY] as const),
      );
      for (let left = 0; left < Math.min(g.strideX, g.width); left++) {
        const columns = describeClass(
          ...([left, g.outWidth, g.width, g.kernelWidth, g.strideX] as const),
          ...([g.paddingX, g.dilationX] as const),
        );
        correlate(m, rows, columns, {
          scratch: scratch >>> SHIFT,
          out: (dx >>> SHIFT) + group * channels * plane,
          outImage: g.channels * plane,
          x: (dy >>> SHIFT) + group * filters * area,
          xImage: g.filters * area,
          w: (w >>> SHIFT) + group * filters * depth,
          filterSize: g.kernelHeight * g.kernelWidth,
          planeSize: depth,
          kernelWidth: g.kernelWidth,
          bias: bias === 0 ? -1 : (bias >>> SHIFT) + group * channels,
          batch: g.batch,
          planes: filters,
          filters: channels,
          span,
          activation: NONE,
        });
      }
    }
  }
}

export function conv2dWeightGradient(
  m: Heap,
  dw: number,
  scratch: number,
  x: number,
  dy: number,
  geometry: number,
  span: number,
  first: number,
  end: number,
): void {
  const g = geometryAt(m, geometry);
  const { channels, depth, filters, plane, area } = sizesOf(g);
  for (let group = 0; group < g.groups; group++) {
    const from = Math.max(first, group * filters);
    const to = Math.min(end, (group + 1) * filters);
    if (from >= to) continue;
    positionSums(
      m.f,
      (dw >>> SHIFT) + from * depth,
      scratch >>> SHIFT,
      (x >>> SHIFT) + group * channels * plane,
      (dy >>> SHIFT) + from * area,
      ...([g, channels, to - from, span] as const),
    );
  }
}
