/**
 * What every contender does: one table of workloads, and their weights and data, made once from a
 * seed and handed to all through files. Weights are in PyTorch's layout (linear [out, in],
 * convolution [out, in, height, width]) and under PyTorch's names; a contender may transpose them
 * once, before anything is timed.
 */
import { Buffer } from "node:buffer";

/** Steps whose losses are compared before anything is timed; batches take turns in them. */
const BATCHES = 4;

/**
 * @typedef {{ name: string, kind: "mlp" | "cnn" | "gpt" | "gemm" | "map", checks: number,
 *   tolerance: number, flops?: number, [size: string]: unknown }} Workload
 *   `checks` calls are compared with relative tolerance `tolerance`.
 * @typedef {{ name: string, shape: number[], data: Float32Array | Int32Array }} Named
 */

const mlp = (sizes, batch, batchNorm = false) => ({
  name: `step ${sizes.join("-")}${batchNorm ? " batchnorm" : ""} batch ${batch}`,
  ...{ kind: "mlp", sizes, batch, batchNorm, classes: sizes.at(-1) },
  ...{ lr: 0.01, momentum: 0.9, checks: 24, tolerance: 1e-4 },
});

const gemm = (size, form) => ({
  name: `gemm ${size} ${form}`,
  ...{ kind: "gemm", size, form, flops: 2 * size ** 3, checks: 1, tolerance: 1e-4 },
});

const map = (op) => ({
  name: `${op} 1e6`,
  ...{ kind: "map", op, size: 1_000_000, checks: 1, tolerance: 1e-5 },
});

/** @type {readonly Workload[]} */
export const WORKLOADS = [
  mlp([784, 256, 128, 10], 64),
  mlp([784, 256, 128, 10], 64, true),
  mlp([784, 512, 512, 10], 128),
  mlp([64, 32, 10], 32),
  {
    ...{ name: "step cnn batch 32", kind: "cnn", batch: 32, channels: [1, 16, 32], side: 28 },
    ...{ classes: 10, lr: 0.01, momentum: 0.9, checks: 12, tolerance: 1e-4 },
  },
  {
    ...{ name: "step gpt batch 8", kind: "gpt", batch: 8, context: 64, width: 128, heads: 4 },
    ...{ blocks: 4, classes: 65, lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8 },
    ...{ checks: 8, tolerance: 1e-4 },
  },
  ...["AB", "AtB", "ABt"].flatMap((form) => [gemm(256, form), gemm(512, form)]),
  ...["add", "exp", "tanh", "sigmoid", "gelu"].map(map),
];

/** mulberry32 (Tommy Ettinger's 32-bit generator): uniform in [0, 1). */
function makeUniform(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function makeDraws(seed) {
  const uniform = makeUniform(seed);
  /** Box and Muller 1958; 1 − u so that the logarithm is finite. */
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const size = (shape) => shape.reduce((product, n) => product * n, 1);
  const fill = (name, shape, draw) => ({
    ...{ name, shape, data: Float32Array.from({ length: size(shape) }, draw) },
  });
  return {
    normal: (name, shape, deviation = 1) => fill(name, shape, () => deviation * normal()),
    spread: (name, shape, bound) => fill(name, shape, () => bound * (2 * uniform() - 1)),
    full: (name, shape, value) => fill(name, shape, () => value),
    integers: (name, shape, below) => ({
      ...{ name, shape },
      data: Int32Array.from({ length: size(shape) }, () => Math.floor(below * uniform())),
    }),
  };
}

/** Weights and bias of an affine layer, both uniform within 1/√fanIn as PyTorch draws them. */
const affine = (draws, name, [out, ...inner]) => {
  const bound = 1 / Math.sqrt(inner.reduce((product, n) => product * n, 1));
  const weight = draws.spread(`${name}.weight`, [out, ...inner], bound);
  return [weight, draws.spread(`${name}.bias`, [out], bound)];
};
const scaleAndShift = (draws, name, size) => [
  draws.full(`${name}.weight`, [size], 1),
  draws.full(`${name}.bias`, [size], 0),
];

const batchesOf = (make) => Array.from({ length: BATCHES }, (_, at) => make(at)).flat();

const MAKERS = {
  mlp: ({ sizes, batch, batchNorm, classes }, draws) => [
    ...sizes
      .slice(1)
      .flatMap((out, layer) => [
        ...affine(draws, `linear${layer}`, [out, sizes[layer]]),
        ...(batchNorm && layer < sizes.length - 2 ? scaleAndShift(draws, `norm${layer}`, out) : []),
      ]),
    ...batchesOf((at) => [
      draws.normal(`x${at}`, [batch, sizes[0]]),
      draws.integers(`y${at}`, [batch], classes),
    ]),
  ],
  cnn: ({ channels, batch, side, classes }, draws) => [
    ...channels
      .slice(1)
      .flatMap((out, layer) => [
        ...affine(draws, `conv${layer}`, [out, channels[layer], 3, 3]),
        ...scaleAndShift(draws, `norm${layer}`, out),
      ]),
    ...affine(draws, "linear", [classes, channels.at(-1) * (side >> (channels.length - 1)) ** 2]),
    ...batchesOf((at) => [
      draws.normal(`x${at}`, [batch, channels[0], side, side]),
      draws.integers(`y${at}`, [batch], classes),
    ]),
  ],
  gpt: ({ width, context, blocks, classes, batch }, draws) => [
    draws.normal("tokens.weight", [classes, width], 0.02),
    draws.normal("positions.weight", [context, width], 0.02),
    ...Array.from({ length: blocks }, (_, at) => [
      ...scaleAndShift(draws, `blocks.${at}.norm1`, width),
      ...affine(draws, `blocks.${at}.attention.in_proj`, [3 * width, width]),
      ...affine(draws, `blocks.${at}.attention.out_proj`, [width, width]),
      ...scaleAndShift(draws, `blocks.${at}.norm2`, width),
      ...affine(draws, `blocks.${at}.mlp.0`, [4 * width, width]),
      ...affine(draws, `blocks.${at}.mlp.2`, [width, 4 * width]),
    ]).flat(),
    ...scaleAndShift(draws, "norm", width),
    ...affine(draws, "head", [classes, width]),
    ...batchesOf((at) => {
      const { data, shape } = draws.integers(`x${at}`, [batch, context], classes);
      // What follows a token is a fixed function of it, so that there is something to learn.
      const next = data.map((token) => (token * 7 + 3) % classes);
      return [
        { name: `x${at}`, shape, data },
        { name: `y${at}`, shape, data: next },
      ];
    }),
  ],
  gemm: ({ size }, draws) => [draws.normal("a", [size, size]), draws.normal("b", [size, size])],
  map: ({ size }, draws) => [draws.normal("a", [size], 2), draws.normal("b", [size], 2)],
};

/** @param {Workload} workload @returns {Named[]} weights first, then the batches x0, y0, x1, … */
export const makeArrays = (workload) => MAKERS[workload.kind](workload, makeDraws(1));

/**
 * Little-endian bytes of all arrays one after the other, and where each lies.
 * @param {readonly Named[]} arrays
 */
export function packArrays(arrays) {
  let offset = 0;
  const entries = arrays.map(({ name, shape, data }) => {
    const dtype = data instanceof Int32Array ? "i32" : "f32";
    const entry = { name, shape, dtype, offset, length: data.length };
    offset += data.byteLength;
    return entry;
  });
  const bytes = Buffer.concat(
    arrays.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  );
  return { entries, bytes };
}

/** The arrays that `packArrays` packed, by name. */
export function unpackArrays(entries, bytes) {
  return new Map(
    entries.map(({ name, shape, dtype, offset, length }) => {
      const Typed = dtype === "i32" ? Int32Array : Float32Array;
      const data = new Typed(bytes.slice(offset, offset + 4 * length));
      return [name, { name, shape, data }];
    }),
  );
}

/** Batches x0, y0, x1, … as pairs. */
export function batchesIn(arrays) {
  const batches = [];
  for (let at = 0; arrays.has(`x${at}`); at++)
    batches.push({ x: arrays.get(`x${at}`), y: arrays.get(`y${at}`) });
  return batches;
}

/** What is trained: every array that is neither a batch nor an operand, by name. */
export const weightsIn = (arrays) =>
  new Map([...arrays].filter(([name]) => !/^([xy]\d+|[ab])$/.test(name)));

/** @returns {{ shape: number[], data: Float32Array }} of the array [rows, columns], transposed */
export function transposed({ shape: [rows, columns], data }) {
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column];
  return { shape: [columns, rows], data: turned };
}

/**
 * Matrices a, b [32, 32] of whose product every entry is −F(x²) + x·x for x = 1 + 2⁻¹²: 0 where
 * products are rounded before they are added, 2⁻²⁴ where both is one rounding.
 */
export function fusionProbe() {
  const [n, x] = [32, 1 + 2 ** -12];
  const along = (values, place) =>
    Float32Array.from({ length: n * n }, (_, at) => values[place(at)] ?? 0);
  return {
    a: { shape: [n, n], data: along([-Math.fround(x * x), x], (at) => at % n) },
    b: { shape: [n, n], data: along([1, x], (at) => Math.floor(at / n)) },
  };
}

/** Entries of a result that stand for all of it in the comparison: 64, evenly spaced. */
export function probe(values) {
  const count = Math.min(64, values.length);
  return Array.from({ length: count }, (_, at) => values[Math.floor((at * values.length) / count)]);
}
