/**
 * What `test/relaxed.test.ts` runs in a process whose engine has relaxed SIMD: products and
 * convolutions of the relaxed build against f64, and a network in it against the strict build. Prints
 * what is wrong.
 */
import { Activation, Opcode } from "../../assembly/opcodes.js";
import {
  compile,
  conv2d,
  createWasmBackend,
  init,
  type Tensor,
  tensor,
  vjp,
  wasm,
} from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { SGD } from "../../src/optim/index.js";
import { ts } from "../../src/pure.js";
import { seed, uniform } from "../../src/random.js";

const backend = createWasmBackend({ relaxedSimd: true });

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** rsA, csA, rsB, csB */
  readonly strides: readonly [number, number, number, number];
  readonly beta: number;
  readonly epilogue: "none" | "bias and relu" | "through relu";
}

const GAP = 3;
const ALPHA = -1.5;
const CANARY = 12345;

/** Numbers in [−1, 1), the same ones for the same seed. */
function numbers(length: number, from: number): Float32Array {
  let state = from * 2654435761 + 12345;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const blocks = new Map<number, number>();
/** Puts data, and one canary after it, in the backend's memory: one place per `slot`. */
function place(slot: number, data: Float32Array | Uint32Array): number {
  const at = blocks.get(slot) ?? backend.memory.allocate(1 << 21);
  blocks.set(slot, at);
  const to = data instanceof Float32Array ? backend.memory.views.f32 : backend.memory.views.u32;
  to.set(data, at / 4);
  backend.memory.views.f32[at / 4 + data.length] = CANARY;
  return at;
}

/** The first entry that is further from f64 than k + 4 roundings allow, in words. */
function wrongEntry({ m, n, k, strides, beta, epilogue }: Case): string | undefined {
  const [rsA, csA, rsB, csB] = strides;
  const extent = (rows: number, rs: number, cols: number, cs: number): number =>
    rows && cols ? (rows - 1) * rs + (cols - 1) * cs + 1 : 0;
  const a = numbers(extent(m, rsA, k, csA), 1);
  const b = numbers(extent(k, rsB, n, csB), 2);
  const c = numbers(m * (n + GAP), 3);
  const [shifted, through] = [epilogue === "bias and relu", epilogue === "through relu"];
  const bias = numbers(through ? c.length : n, 4);
  const [atC, atA, atB, atBias] = [c, a, b, bias].map((data, slot) => place(slot, data)) as [
    number,
    number,
    number,
    number,
  ];
  const alpha = shifted ? ALPHA : 1;
  const scalars = place(4, Float32Array.of(alpha, beta));
  const shift = shifted || through ? atBias : 0;
  const operands = [atC, atA, atB, shift, m, n, k, n + GAP, ...strides, scalars, scalars + 4];
  const opcode = through ? Opcode.GemmBackward : Opcode.Gemm;
  const activation = through ? Activation.ReluBackward : Activation.Relu;
  const words = [opcode, 17, ...operands, shift === 0 ? Activation.None : activation];
  const program = place(5, Uint32Array.from(words));
  backend.run("f32", program, words.length * 4, place(6, new Uint32Array(4)));
  const got = backend.memory.views.f32.subarray(atC / 4, atC / 4 + c.length + 1);
  if (got[c.length] !== CANARY) return "wrote past the end of C";
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n + GAP; j++) {
      const at = i * (n + GAP) + j;
      const before = c[at] as number;
      const value = got[at] as number;
      if (j >= n) {
        if (value !== before) return `wrote between the rows of C at ${i}`;
        continue;
      }
      let [sum, size] = [beta * before, Math.abs(beta * before)];
      for (let p = 0; p < k; p++) {
        const x = alpha * (a[i * rsA + p * csA] as number) * (b[p * rsB + j * csB] as number);
        sum += x;
        size += Math.abs(x);
      }
      if (through && (bias[at] as number) <= 0) sum = 0;
      if (shifted) {
        sum += bias[j] as number;
        size += Math.abs(bias[j] as number);
        sum = Math.max(sum, 0);
      }
      const bound = (k + 4) * 2 ** -23 * size;
      if (!(Math.abs(value - sum) <= bound))
        return `[${i}, ${j}] is ${value}: expected ${sum} within ${bound}`;
    }
  }
  return undefined;
}

function wrongProducts(): string[] {
  const sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 17];
  const depths = [0, 1, 2, 5, 8, 37];
  const large = [
    [131, 9, 19],
    [7, 1033, 9],
    [6, 11, 255],
    [13, 29, 257],
    [25, 8, 513],
    [250, 40, 600],
  ] as const;
  const shapes = sizes
    .flatMap((m) => sizes.flatMap((n) => depths.map((k) => [m, n, k] as const)))
    .concat(large);
  return shapes.flatMap(([m, n, k]) => {
    const forms = [
      [k, 1, n, 1],
      [1, m, n, 1],
      [k, 1, 1, k],
      [2 * k + 1, 2, 3 * n + 2, 3],
    ] as const;
    return forms.flatMap((strides, form) =>
      [0, 0.5].flatMap((beta) => {
        const epilogues = ["none", "bias and relu", "through relu"] as const;
        const epilogue = epilogues[(m + n + form) % 3] as Case["epilogue"];
        const test = { m, n, k, strides, beta, epilogue };
        const wrong = wrongEntry(test);
        return wrong === undefined ? [] : [`${JSON.stringify(test)}: ${wrong}`];
      }),
    );
  });
}

interface Convolution {
  /** [n, C, H, W] */
  readonly x: readonly [number, number, number, number];
  /** [O, C / groups, kH, kW] */
  readonly w: readonly [number, number, number, number];
  readonly options: NonNullable<Parameters<typeof conv2d>[3]>;
}

const CONVOLUTIONS: readonly Convolution[] = [
  { x: [1, 1, 5, 5], w: [1, 1, 3, 3], options: {} },
  { x: [2, 1, 7, 9], w: [1, 1, 2, 3], options: {} },
  { x: [2, 3, 8, 8], w: [4, 3, 3, 3], options: { padding: 1 } },
  { x: [3, 2, 9, 11], w: [5, 2, 3, 3], options: { padding: 1 } },
  { x: [1, 5, 12, 13], w: [9, 5, 5, 3], options: { stride: 2, padding: 2 } },
  { x: [2, 4, 11, 10], w: [6, 2, 3, 3], options: { groups: 2, dilation: 2 } },
  { x: [2, 6, 9, 9], w: [6, 1, 3, 3], options: { groups: 6, padding: 1 } },
  { x: [1, 31, 6, 7], w: [8, 31, 3, 3], options: { padding: 1 } },
  { x: [2, 3, 5, 5], w: [7, 3, 1, 1], options: {} },
];

/** y, dx and dw of Σ y·dy: sums of products of numbers, or of their magnitudes. */
function convolved(c: Convolution, dtype: "f32" | "f64", magnitudes: boolean): Float64Array[] {
  const of = (shape: readonly number[], from: number): Tensor => {
    const data = numbers(
      shape.reduce((a, b) => a * b),
      from,
    );
    const array = dtype === "f32" ? data : Float64Array.from(data);
    return tensor(magnitudes ? array.map(Math.abs) : array, { shape });
  };
  const { value, pullback } = vjp(
    ([x, w]: [Tensor, Tensor]) => conv2d(x, w, undefined, c.options),
    [of(c.x, 1), of(c.w, 2)],
  );
  const gradients = pullback(of(value.shape, 3));
  return [value, ...gradients].map((result) =>
    Float64Array.from(result.reshape([-1]).toArray() as number[]),
  );
}

function wrongConvolutions(): string[] {
  return CONVOLUTIONS.flatMap((c) => {
    init({ relaxedSimd: true });
    const fused = convolved(c, "f32", false);
    init({ backend: wasm });
    const strict = convolved(c, "f32", false);
    init({ backend: ts, dtype: "f64" });
    const exact = convolved(c, "f64", false);
    const sizes = convolved(c, "f64", true);
    init({ backend: wasm });
    const window = c.w[2] * c.w[3];
    const terms = [c.w[1] * window, c.w[0] * window, c.x[0] * c.x[2] * c.x[3]];
    const wrong = fused.flatMap((values, result) => {
      const name = ["y", "dx", "dw"][result];
      const at = values.findIndex((value, index) => {
        const bound =
          ((terms[result] as number) + 4) * 2 ** -23 * (sizes[result]?.[index] as number);
        return !(Math.abs(value - (exact[result]?.[index] as number)) <= bound);
      });
      if (at >= 0) return [`${name}[${at}] is ${values[at]}: expected ${exact[result]?.[at]}`];
      const same = values.every((value, index) => value === strict[result]?.[index]);
      return same ? [`${name} is not fused`] : [];
    });
    return wrong.map((text) => `${JSON.stringify(c)}: ${text}`);
  });
}

class Network extends nn.Module {
  readonly conv = new nn.Conv2d(1, 7, 3, { padding: 1 });
  readonly attention = new nn.MultiheadAttention(7, 1, { batchFirst: true });
  readonly head = new nn.Linear(7 * 25, 3);
  forward(x: Tensor): Tensor {
    const maps = this.conv.forward(x).relu().reshape([-1, 7, 25]).transpose([0, 2, 1]);
    const mixed = this.attention.forward(maps, maps, maps);
    return this.head.forward(mixed.reshape([-1, 7 * 25]).tanh());
  }
}

/** The losses of five steps. */
function losses(): number[] {
  seed(3);
  const network = new Network();
  const optimizer = new SGD(network.parameters(), { lr: 0.1 });
  const step = compile((x: Tensor, labels: Tensor) => {
    const loss = nn.crossEntropy(network.forward(x), labels);
    optimizer.minimize(loss);
    return loss;
  });
  const x = uniform([6, 1, 5, 5]);
  const labels = tensor([0, 1, 2, 0, 1, 2], { dtype: "i32" });
  return Array.from({ length: 5 }, () => step(x, labels).item());
}

function wrongLosses(): string[] {
  const strict = losses();
  init({ relaxedSimd: true });
  const fused = losses();
  init({ relaxedSimd: false });
  const again = losses();
  const far = strict.filter((loss, at) => !(Math.abs(loss - (fused[at] as number)) < 1e-5 * loss));
  const changed = strict.filter((loss, at) => loss !== again[at]);
  return [
    ...far.map((loss) => `a loss is far from ${loss} of the strict build`),
    ...changed.map((loss) => `a loss of the strict build changed: it was ${loss}`),
  ];
}

export function main(): number {
  const wrong = [...wrongProducts(), ...wrongConvolutions(), ...wrongLosses()];
  console.log(
    JSON.stringify({ variants: [wasm.variant, backend.variant], wrong: wrong.slice(0, 5) }),
  );
  return wrong.length > 0 ? 1 : 0;
}
