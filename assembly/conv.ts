import { addColumns, columns } from "./columns";
import { add, relu, sigmoid, tanh } from "./elementwise";
import { KC, product } from "./gemm";
import { Geometry } from "./geometry";
import { Activation } from "./opcodes";

/**
 * Convolution and its two gradients as products with columns, made in `scratch` a part at a time.
 * With weights w [m, depth] of a group, its columns X [depth, area] and dY [m, area]:
 *
 *     Y  = w · X                 a part: KC rows and `span` positions
 *     dX = columnsᵀ(wᵀ · dY)     a part: `span` channels
 *     dw = dY · Xᵀ               over all images; a part: `span` rows and KC positions
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

export function conv2dForward(
  y: usize, scratch: usize, x: usize, w: usize, bias: usize, geometry: usize,
  span: u32, activation: u32, workspace: usize,
): void {
  const g = changetype<Geometry>(geometry);
  const channels = g.channels / g.groups;
  const depth = channels * g.kernelHeight * g.kernelWidth;
  const m = g.filters / g.groups;
  const area = g.outHeight * g.outWidth;
  const pointwise = isPointwise(g);
  for (let n: u32 = 0; n < g.batch; n++) {
    let weights = w;
    let shift = bias;
    for (let group = g.groups; group > 0; group--) {
      if (pointwise) {
        product(
          y, weights, x, 0, m, area, depth, area, depth, 1, area, 1, 1, 0, Activation.None,
          workspace,
        );
      } else {
        for (let l: u32 = 0; l < area; l += span) {
          const cols = min(span, area - l);
          let k: u32 = 0;
          do {
            const rows = min(KC, depth - k);
            columns(scratch, cols, x, g, k, k + rows, l, l + cols);
            product(
              y + bytes(l), weights + bytes(k), scratch, 0, m, cols, rows, area, depth, 1, cols, 1,
              1, k == 0 ? 0 : 1, Activation.None, workspace,
            );
            k += KC;
          } while (k < depth);
        }
      }
      if (bias) {
        add(y, y, shift, m, area, area, 1, 1, 0);
        shift += bytes(m);
      }
      if (activation == Activation.Relu) relu(y, y, m * area);
      else if (activation == Activation.Sigmoid) sigmoid(y, y, m * area);
      else if (activation == Activation.Tanh) tanh(y, y, m * area);
      y += bytes(m * area);
      x += bytes(channels * g.height * g.width);
      weights += bytes(m * depth);
    }
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
  const pointwise = isPointwise(g);
  for (let n: u32 = 0; n < g.batch; n++) {
    let weights = w;
    let shift = bias;
    for (let group = g.groups; group > 0; group--) {
      if (pointwise) {
        product(
          dx, weights, dy, 0, channels, area, k, area, 1, depth, area, 1, 1, 0, Activation.None,
          workspace,
        );
      } else {
        for (let c: u32 = 0; c < channels; c += span) {
          const part = min(span, channels - c);
          product(
            scratch, weights + bytes(c * window), dy, 0, part * window, area, k, area, 1, depth,
            area, 1, 1, 0, Activation.None, workspace,
          );
          addColumns(dx + bytes(c * plane), scratch, g, part);
        }
      }
      if (bias) {
        add(dx, dx, shift, channels, plane, plane, 1, 1, 0);
        shift += bytes(channels);
      }
      dx += bytes(channels * plane);
      dy += bytes(k * area);
      weights += bytes(k * depth);
    }
  }
}

export function conv2dWeightGradient(
  dw: usize, scratch: usize, x: usize, dy: usize, geometry: usize, span: u32, workspace: usize,
): void {
  const g = changetype<Geometry>(geometry);
  const channels = g.channels / g.groups;
  const depth = channels * g.kernelHeight * g.kernelWidth;
  const m = g.filters / g.groups;
  const area = g.outHeight * g.outWidth;
  const image = bytes(g.channels * g.height * g.width);
  const maps = bytes(g.filters * area);
  const total = g.batch * area;
  const pointwise = isPointwise(g);
  for (let group = g.groups; group > 0; group--) {
    for (let j: u32 = 0; j < depth; j += span) {
      const cols = min(span, depth - j);
      let p: u32 = 0;
      do {
        const k = min(KC, total - p);
        const l = p % area;
        const within = l + k <= area;
        const fromX = x + <usize>(p / area) * image;
        const fromDy = dy + <usize>(p / area) * maps + bytes(l);
        const copied = scratch + bytes(cols * k);
        if (!within) gatherBlock(scratch, copied, fromX, fromDy - bytes(l), g, j, cols, m, l, k);
        else if (!pointwise) columns(scratch, k, fromX, g, j, j + cols, l, l + k);
        const asItIs = within && pointwise;
        product(
          dw + bytes(j), within ? fromDy : copied, asItIs ? fromX + bytes(j * area + l) : scratch,
          0, m, cols, k, depth, within ? area : k, 1, 1, asItIs ? area : k, 1, p == 0 ? 0 : 1,
          Activation.None, workspace,
        );
        p += KC;
      } while (p < total);
    }
    x += bytes(channels * g.height * g.width);
    dy += bytes(m * area);
    dw += bytes(m * depth);
  }
}

/** A block of k that crosses from one image into the next: columns and dy are put together. */
function gatherBlock(
  out: usize, copied: usize, x: usize, dy: usize, g: Geometry,
  j: u32, cols: u32, m: u32, l: u32, k: u32,
): void {
  const area = g.outHeight * g.outWidth;
  for (let done: u32 = 0; done < k; l = 0) {
    const part = min(area - l, k - done);
    columns(out + bytes(done), k, x, g, j, j + cols, l, l + part);
    for (let row: u32 = 0; row < m; row++) {
      memory.copy(copied + bytes(row * k + done), dy + bytes(row * area + l), bytes(part));
    }
    done += part;
    x += bytes(g.channels * g.height * g.width);
    dy += bytes(g.filters * area);
  }
}
