import { Activation } from "../../assembly/opcodes.js";
import { filterTile } from "./convTile.js";
import { sigmoid, tanh } from "./elementwise.js";
import { type Heap, SHIFT } from "./float.js";
import { KC } from "./gemm.js";
import { padPlanes, pitchOf } from "./padding.js";

const F = Math.fround;

/**
 * The product of filters with the columns of images, without columns, in the order of
 * `assembly/correlation.ts`: tiles of four filters and four positions. Addresses are indices of
 * floats.
 */

/** How positions along one axis of the result look at the source (see `assembly/correlation.ts`). */
export interface Axis {
  readonly source: number;
  readonly result: number;
  readonly positions: number;
  readonly origin: number;
  readonly spacing: number;
  readonly stride: number;
  readonly taps: number;
  readonly first: number;
  readonly step: number;
  readonly start: number;
  readonly reach: number;
}

const low = ({ start, taps, reach }: Axis): number => start + Math.min(0, (taps - 1) * reach);
const covered = ({ taps, stride, reach }: Axis, n: number): number =>
  taps === 0 ? 0 : (n - 1) * stride + (taps - 1) * Math.abs(reach) + 1;

/** What becomes of a sum: what is there already, then the bias, then relu. */
function finish(
  f: Heap["f"],
  at: number,
  s: number,
  keep: boolean,
  bias: number,
  relu: boolean,
): void {
  let v = keep ? F((f[at] as number) + s) : s;
  if (bias >= 0) v = F(v + (f[bias] as number));
  // Not Math.max, which would make −0 into 0.
  f[at] = relu && v < 0 ? 0 : v;
}

type Three = [number, number, number];

/** The operands of `correlate`, for one group; images are that many elements apart. */
interface Correlation {
  readonly scratch: number;
  readonly out: number;
  readonly outImage: number;
  readonly x: number;
  readonly xImage: number;
  readonly w: number;
  readonly filterSize: number;
  readonly planeSize: number;
  readonly kernelWidth: number;
  /** −1: none. */
  readonly bias: number;
  readonly batch: number;
  readonly planes: number;
  readonly filters: number;
  readonly span: number;
  readonly activation: number;
}

/**
 * Where the steps k0 … k0 + k lie, each a channel and an element of the kernel: from a position in
 * the padded planes, of which the first is that of step k0, and from the first weight of a filter.
 */
function findSteps(
  y: Axis,
  h: Axis,
  { kernelWidth, planeSize }: Correlation,
  k0: number,
  k: number,
  rows: number,
  pitch: number,
  offsets: Int32Array,
  weights: Int32Array,
): void {
  const window = y.taps * h.taps;
  const from = Math.floor(k0 / window);
  for (let p = 0; p < k; p++) {
    const inside = (k0 + p) % window;
    const channel = (k0 + p - inside) / window;
    const kx = inside % h.taps;
    const ky = (inside - kx) / h.taps;
    const column = h.start + kx * h.reach - low(h);
    const phase = column % h.stride;
    const row = (channel - from) * rows + y.start + ky * y.reach - low(y);
    offsets[p] = row * pitch + (phase * pitch + column - phase) / h.stride;
    const tap = (y.first + ky * y.step) * kernelWidth + h.first + kx * h.step;
    weights[p] = channel * planeSize + tap;
  }
}

export function correlate(m: Heap, y: Axis, h: Axis, task: Correlation): void {
  const { batch, planes, filters, span, activation } = task;
  const f = m.f;
  const window = y.taps * h.taps;
  const depth = planes * window;
  const plane = y.result * h.result;
  const tall = Math.max(1, h.positions > 0 ? Math.floor(span / h.positions) : 1);
  const wide = Math.max(1, Math.min(span, h.positions));
  const rows = covered(y, Math.min(tall, y.positions));
  const pitch = pitchOf(covered(h, wide), h.stride);
  const offsets = new Int32Array(KC);
  const weights = new Int32Array(KC);
  const sums = new Float64Array(16);
  let k0 = 0;
  do {
    const k = Math.min(KC, depth - k0);
    const last = k0 + k === depth;
    const from = k > 0 ? Math.floor(k0 / window) : 0;
    const count = k > 0 ? Math.floor((k0 + k - 1) / window) + 1 - from : 0;
    findSteps(y, h, task, k0, k, rows, pitch, offsets, weights);
    const bias = last ? task.bias : -1;
    const relu = last && activation === Activation.Relu;
    const keep = k0 > 0;
    for (let n = 0; n < batch; n++) {
      const image = task.x + n * task.xImage + from * y.source * h.source;
      const result = task.out + n * task.outImage;
      for (let i = 0; i < y.positions; i += tall) {
        const height = Math.min(tall, y.positions - i);
        for (let j = 0; j < h.positions; j += wide) {
          const columns = Math.min(wide, h.positions - j);
          padPlanes(
            f,
            ...([task.scratch, rows * pitch, image, count, y.source, h.source] as const),
            ...([low(y) + i * y.stride, low(h) + j * h.stride, rows, pitch, h.stride] as const),
          );
          const corner = result + (y.origin + i * y.spacing) * h.result;
          const out = corner + h.origin + j * h.spacing;
          const total = height * columns;
          const source = (p: number): number =>
            task.scratch + Math.floor(p / columns) * y.stride * pitch + (p % columns);
          const place = (p: number): number =>
            out + Math.floor(p / columns) * y.spacing * h.result + (p % columns) * h.spacing;
          for (let l = 0; l < total; l += 4) {
            // Positions and filters that are not there are computed again as the last ones.
            const [l1, l2, l3] = [1, 2, 3].map((lane) => Math.min(l + lane, total - 1)) as Three;
            const [x0, x1, x2, x3] = [source(l), source(l1), source(l2), source(l3)];
            const [c0, c1, c2, c3] = [place(l), place(l1), place(l2), place(l3)];
            for (let r = 0; r < filters; r += 4) {
              const above = task.w + r * task.filterSize;
              const rest = Math.min(3, filters - 1 - r);
              filterTile(
                ...([sums, f, above, task.filterSize, rest, weights] as const),
                ...([x0, x1, x2, x3, offsets, k] as const),
              );
              for (let row = 0; row <= rest; row++) {
                const to = (r + row) * plane;
                const shift = bias < 0 ? -1 : bias + r + row;
                const s = 4 * row;
                finish(f, to + c0, sums[s] as number, keep, shift, relu);
                if (l1 > l) finish(f, to + c1, sums[s + 1] as number, keep, shift, relu);
                if (l2 > l1) finish(f, to + c2, sums[s + 2] as number, keep, shift, relu);
                if (l3 > l2) finish(f, to + c3, sums[s + 3] as number, keep, shift, relu);
              }
            }
          }
        }
      }
      if (!last) continue;
      const to = result * (1 << SHIFT);
      if (activation === Activation.Sigmoid) sigmoid(m, to, to, filters * plane);
      else if (activation === Activation.Tanh) tanh(m, to, to, filters * plane);
    }
    k0 += KC;
  } while (k0 < depth);
}
