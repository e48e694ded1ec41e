/**
 * How large a part of an image the convolutions take at a time, and the scratch that they need for
 * it (contract: `src/kernels.ts`).
 */
import { areaOf, extent, type Geometry, type Two } from "./geometry.js";

/** GEMM's block along k (contract). */
const KC = 256;
/** Padded planes are made in parts of about this many floats, 256 KiB, which stay in L2. */
const PART = 65536;

/** Whether an image is its own columns. */
const isPointwise = ({ kernel, stride, padding, input, output }: Geometry): boolean =>
  areaOf(kernel) === 1 &&
  areaOf(stride) === 1 &&
  padding[0] + padding[1] === 0 &&
  input[0] === output[0] &&
  input[1] === output[1];

export interface Part {
  /** What the kernel takes at a time: positions, or channels. */
  readonly span: number;
  /** Floats. */
  readonly scratch: number;
}

/** Floats of tables, packed filters and their biases. */
const packedSize = (filters: number, depth: number): number =>
  2944 + 4 * Math.ceil(filters / 4) * (Math.min(KC, depth) + 1);

/** Planes of which a block along k sees something: `window` elements belong to each. */
const planesOf = (planes: number, window: number): number =>
  Math.min(planes, Math.floor((KC - 2) / window) + 2);

/** The largest part of `positions` of which no more than PART floats are padded. */
function partOf(positions: Two, packed: number, padded: (rows: number, columns: number) => number) {
  let [rows, columns] = positions;
  while (padded(rows, columns) > PART && rows * columns > 32) {
    if (rows > 1) rows = rows > 4 ? 4 * Math.ceil(rows / 8) : 1;
    else columns = 4 * Math.ceil(columns / 8);
  }
  const span = Math.max(1, rows * columns);
  return { span, scratch: packed + padded(rows, columns) + 4 };
}

export function forwardPart(g: Geometry): Part {
  const { stride, kernel, dilation, output } = g;
  if (isPointwise(g)) return { span: 1, scratch: 0 };
  const channels = g.channels / g.groups;
  const window = areaOf(kernel);
  const reach = extent(kernel, dilation);
  const packed = packedSize(g.filters / g.groups, channels * window);
  return partOf(output, packed, (rows, columns) => {
    const high = (rows - 1) * stride[0] + reach[0];
    const pitch = stride[1] * Math.ceil(((columns - 1) * stride[1] + reach[1]) / stride[1]);
    return planesOf(channels, window) * high * pitch;
  });
}

export function inputPart(g: Geometry): Part {
  const { stride, kernel, dilation, input } = g;
  if (isPointwise(g)) return { span: 1, scratch: 0 };
  const filters = g.filters / g.groups;
  // Elements of the kernel and positions along an axis that belong to one residue class.
  const least = (axis: 0 | 1): number => Math.max(1, Math.floor(kernel[axis] / stride[axis]));
  const positions = (axis: 0 | 1): number => Math.ceil(input[axis] / stride[axis]);
  const reach = (axis: 0 | 1): number =>
    Math.floor(((kernel[axis] - 1) * dilation[axis]) / stride[axis]);
  const packed = packedSize(g.channels / g.groups, filters * areaOf(kernel));
  return partOf(
    [positions(0), positions(1)],
    packed,
    (rows, columns) =>
      planesOf(filters, least(0) * least(1)) * (rows + reach(0)) * (columns + reach(1)),
  );
}

/** Into how many stretches of `length` a run of n positions can reach. */
const reached = (n: number, length: number): number =>
  n === 0 ? 0 : Math.floor((n + length - 2) / length) + 1;

export function weightPart(g: Geometry): Part {
  const { stride, kernel, dilation, output } = g;
  const channels = g.channels / g.groups;
  const [high, long] = extent(kernel, dilation);
  const most = Math.min(KC, g.batch * areaOf(output));
  const across = Math.min(output[1], KC);
  const pitch = stride[1] * Math.ceil(((across - 1) * stride[1] + long) / stride[1]);
  const runs = reached(most, output[1] > KC ? output[1] : areaOf(output));
  const rows = reached(most, output[1]) * stride[0] + runs * Math.max(0, high - stride[0]);
  const span = Math.max(1, Math.min(channels, Math.floor(PART / Math.max(1, rows * pitch))));
  const each = areaOf(kernel) + rows * pitch;
  return { span, scratch: 32 + KC * 130 + Math.min(span, channels) * each + 7 };
}
