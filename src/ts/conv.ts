import { Activation } from "../../assembly/opcodes.js";
import { addColumns, columns } from "./columns.js";
import { add, relu, sigmoid, tanh } from "./elementwise.js";
import { type Heap, SHIFT } from "./float.js";
import { KC, product } from "./gemm.js";
import { type Geometry, geometryAt } from "./geometry.js";

/** Convolution and its gradients as products with columns (see `assembly/conv.ts`). */

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
  const pointwise = isPointwise(g);
  for (let part = 0; part < g.batch * g.groups; part++) {
    const group = part % g.groups;
    const out = y + ((part * filters * area) << SHIFT);
    const image = x + ((part * channels * plane) << SHIFT);
    const weights = w + ((group * filters * depth) << SHIFT);
    if (pointwise) {
      product(m, out, weights, image, 0, filters, area, depth, area, depth, 1, area, 1, 1, 0, NONE);
    } else {
      for (let l = 0; l < area; l += span) {
        const n = Math.min(span, area - l);
        const to = out + (l << SHIFT);
        let k = 0;
        do {
          const rows = Math.min(KC, depth - k);
          const a = weights + (k << SHIFT);
          const keep = k === 0 ? 0 : 1;
          columns(m.f, scratch >>> SHIFT, n, image >>> SHIFT, g, k, k + rows, l, l + n);
          product(m, to, a, scratch, 0, filters, n, rows, area, depth, 1, n, 1, 1, keep, NONE);
          k += KC;
        } while (k < depth);
      }
    }
    const shift = bias + ((group * filters) << SHIFT);
    if (bias !== 0) add(m, out, out, shift, filters, area, area, 1, 1, 0);
    if (activation === Activation.Relu) relu(m, out, out, filters * area);
    else if (activation === Activation.Sigmoid) sigmoid(m, out, out, filters * area);
    else if (activation === Activation.Tanh) tanh(m, out, out, filters * area);
  }
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
  const window = g.kernelHeight * g.kernelWidth;
  const pointwise = isPointwise(g);
  for (let part = 0; part < g.batch * g.groups; part++) {
    const group = part % g.groups;
    const out = dx + ((part * channels * plane) << SHIFT);
    const from = dy + ((part * filters * area) << SHIFT);
    const weights = w + ((group * filters * depth) << SHIFT);
    if (pointwise) {
      product(
        m,
        ...([out, weights, from, 0, channels, area, filters] as const),
        ...([area, 1, depth, area, 1, 1, 0, NONE] as const),
      );
    } else {
      for (let c = 0; c < channels; c += span) {
        const count = Math.min(span, channels - c);
        const a = weights + ((c * window) << SHIFT);
        product(
          m,
          ...([scratch, a, from, 0, count * window, area, filters] as const),
          ...([area, 1, depth, area, 1, 1, 0, NONE] as const),
        );
        addColumns(m.f, (out >>> SHIFT) + c * plane, scratch >>> SHIFT, g, count);
      }
    }
    const shift = bias + ((group * channels) << SHIFT);
    if (bias !== 0) add(m, out, out, shift, channels, plane, plane, 1, 1, 0);
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
): void {
  const g = geometryAt(m, geometry);
  const { channels, depth, filters, plane, area } = sizesOf(g);
  const total = g.batch * area;
  const pointwise = isPointwise(g);
  for (let group = 0; group < g.groups; group++) {
    for (let j = 0; j < depth; j += span) {
      const cols = Math.min(span, depth - j);
      const out = dw + ((group * filters * depth + j) << SHIFT);
      let p = 0;
      do {
        const k = Math.min(KC, total - p);
        const l = p % area;
        const first = (p - l) / area;
        const within = l + k <= area;
        const image = x + (((first * g.groups + group) * channels * plane) << SHIFT);
        const maps = dy + (((first * g.groups + group) * filters * area) << SHIFT);
        const copied = scratch + ((cols * k) << SHIFT);
        if (!within) gatherBlock(m, scratch, copied, image, maps, g, j, cols, l, k);
        else if (!pointwise)
          columns(m.f, scratch >>> SHIFT, k, image >>> SHIFT, g, j, j + cols, l, l + k);
        const asItIs = within && pointwise;
        const a = within ? maps + (l << SHIFT) : copied;
        const b = asItIs ? image + ((j * area + l) << SHIFT) : scratch;
        product(
          m,
          ...([out, a, b, 0, filters, cols, k, depth, within ? area : k] as const),
          ...([1, 1, asItIs ? area : k, 1, p === 0 ? 0 : 1, NONE] as const),
        );
        p += KC;
      } while (p < total);
    }
  }
}

/** A block of k that crosses from one image into the next: columns and dy are put together. */
function gatherBlock(
  m: Heap,
  out: number,
  copied: number,
  x: number,
  dy: number,
  g: Geometry,
  j: number,
  cols: number,
  l: number,
  k: number,
): void {
  const { filters, plane, area } = sizesOf(g);
  let image = x >>> SHIFT;
  let maps = dy >>> SHIFT;
  let at = l;
  for (let done = 0; done < k; at = 0) {
    const part = Math.min(area - at, k - done);
    columns(m.f, (out >>> SHIFT) + done, k, image, g, j, j + cols, at, at + part);
    for (let row = 0; row < filters; row++) {
      const from = maps + row * area + at;
      m.f.copyWithin((copied >>> SHIFT) + row * k + done, from, from + part);
    }
    done += part;
    image += g.channels * plane;
    maps += g.filters * area;
  }
}
