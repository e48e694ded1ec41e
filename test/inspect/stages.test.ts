/** Staged code is imported as a module, and gives the numbers of the circuit. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import fc from "fast-check";
import ts from "typescript";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  add,
  avgPool2d,
  concat,
  conv2d,
  div,
  exp,
  init,
  linear,
  log,
  max,
  maximum,
  maxPool2d,
  minimum,
  mul,
  pad,
  parameter,
  relu,
  sigmoid,
  slice,
  split,
  sub,
  sum,
  Tensor,
  tanh,
  tensor,
  transpose,
  where,
} from "../../src/index.js";
import { circuit, stages } from "../../src/inspect/index.js";
import * as nn from "../../src/nn/index.js";
import { ts as pure } from "../../src/pure.js";
import { wasm } from "../../src/wasm/backend.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "build", `stages-${process.pid}`);
let next = 0;
beforeAll(() => mkdirSync(folder, { recursive: true }));
afterAll(() => rmSync(folder, { recursive: true }));

const inDouble = (): void => init({ backend: pure, dtype: "f64" });
const inSingle = (): void => init({ backend: wasm, dtype: "f32" });
afterEach(inSingle);

type Staged = (...inputs: unknown[]) => Record<string, unknown>;
async function imported(text: string): Promise<Staged> {
  const path = join(folder, `stages${next++}.ts`);
  writeFileSync(path, text.replace('"chainrule"', '"../../src/index.js"'));
  return (await import(/* @vite-ignore */ pathToFileURL(path).href)).stages;
}

const numbers = (value: unknown): number[] =>
  value instanceof Tensor ? Array.from(value.toTypedArray()) : [value as number];

const batch = (...shape: number[]): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => Math.sin(index * 1.7)),
    { shape },
  );

// biome-ignore lint/suspicious/noExplicitAny: functions of any arguments
type AnyFunction = (...args: any[]) => unknown;

/** Whether every value the code returns is the circuit's. */
async function expectSame(
  f: AnyFunction,
  args: readonly unknown[],
  names: readonly string[],
  digits: number,
  parameters: readonly Tensor[] = [],
): Promise<string> {
  const text = stages(f as never, args, { names });
  const given = text.startsWith("import")
    ? args.map((arg) => (typeof arg === "number" ? tensor(arg) : arg))
    : args;
  const found = (await imported(text))(...given, ...parameters);
  const { wires } = circuit(f as never, args, { names, entries: Number.POSITIVE_INFINITY });
  const returned = Object.keys(found);
  for (const name of names) expect(returned).toContain(`d${name}`);
  for (const [name, value] of Object.entries(found)) {
    const own = wires.find(({ label }) => label === name);
    const wire = own ?? wires.find(({ label }) => `d${label}` === name);
    // Fused ops are written in parts, and what was made up for a name differs.
    if (!wire) continue;
    const want = (own ? wire.value : wire.gradient)?.entries ?? [];
    const got = numbers(value);
    expect(got.length).toBe(want.length);
    for (const [index, x] of got.entries())
      expect(Math.abs(x - (want[index] as number)), `${name} of\n${text}`).toBeLessThan(
        10 ** -digits * Math.max(1, Math.abs(x)),
      );
  }
  return text;
}

test("the staged example of the notes, line by line", async () => {
  inDouble();
  const f = (x: Tensor, y: Tensor): Record<string, Tensor> => {
    const sigy = sigmoid(y);
    const num = add(x, sigy);
    const sigx = sigmoid(x);
    const xpy = add(x, y);
    const xpysqr = mul(xpy, xpy);
    const den = add(sigx, xpysqr);
    const invden = div(1, den);
    return { sigy, num, sigx, xpy, xpysqr, den, invden, f: mul(num, invden) };
  };
  const text = await expectSame(f, [3, -4], ["x", "y"], 12);
  expect(text).toBe(`export function stages(x: number, y: number) {
  // forward
  const sigy = 1 / (1 + Math.exp(-y)); // (1)
  const num = x + sigy; // (2)
  const sigx = 1 / (1 + Math.exp(-x)); // (3)
  const xpy = x + y; // (4)
  const xpysqr = xpy * xpy; // (5)
  const den = sigx + xpysqr; // (6)
  const invden = 1 / den; // (7)
  const f = num * invden; // (8)

  // backward, in reverse
  const df = 1;
  const dnum = df * invden; // (8)
  const dinvden = df * num; // (8)
  const dden = -(dinvden * (invden / den)); // (7)
  const dsigx = dden; // (6)
  const dxpysqr = dden; // (6)
  let dxpy = dxpysqr * xpy; // (5)
  dxpy += dxpysqr * xpy; // (5)
  let dx = dxpy; // (4)
  let dy = dxpy; // (4)
  dx += dsigx * (1 - sigx) * sigx; // (3)
  dx += dnum; // (2)
  const dsigy = dnum; // (2)
  dy += dsigy * (1 - sigy) * sigy; // (1)

  return { sigy, dsigy, num, dnum, sigx, dsigx, xpy, dxpy, xpysqr, dxpysqr, den, dden, invden, dinvden, f, df, dx, dy };
}
`);
});

test("tensors are calls of the library", async () => {
  const text = await expectSame(
    (w: Tensor, x: Tensor) => {
      const D = w.matmul(x);
      return { D, f: sum(relu(D)) };
    },
    [batch(2, 4), batch(4, 3)],
    ["W", "X"],
    6,
  );
  expect(
    text,
  ).toBe(`import { broadcastTo, full, gt, matmul, relu, reshape, sum, transpose, where, type Tensor } from "chainrule";

export function stages(W: Tensor, X: Tensor) {
  // forward
  const D = matmul(W, X); // (1)
  const relu1 = relu(D); // (2)
  const f = sum(relu1); // (3)

  // backward, in reverse
  const df = full([], 1);
  const drelu1 = broadcastTo(reshape(df, [1, 1]), [2, 3]); // (3)
  const dD = where(gt(relu1, 0), drelu1, 0); // (2)
  const dW = matmul(dD, transpose(X)); // (1)
  const dX = matmul(transpose(W), dD); // (1)

  return { D, dD, f, df, dW, dX };
}
`);
});

const weighed = (y: Tensor): Tensor => sum(mul(y, y));
const scalars: readonly (readonly [string, AnyFunction, readonly number[]])[] = [
  ["choices", (x, y) => add(maximum(x, y), mul(minimum(x, y), 3)), [2, -1]],
  ["a tie", (x, y) => maximum(x, y), [2, 2]],
  ["powers", (x: Tensor, y: Tensor) => add(x.pow(2.5), x.pow(y)), [1.5, -2]],
  ["a negative base", (x: Tensor, y: Tensor) => add(x.pow(3), mul(y, -2)), [-1.5, -2]],
  ["angles", (x: Tensor, y: Tensor) => x.sin().mul(y.cos()).add(x.tan()).add(y.atan()), [0.5, 2]],
  ["hyperbolic", (x: Tensor, y: Tensor) => x.sinh().sub(y.cosh()).add(tanh(x)), [0.5, -1]],
  [
    "logarithms",
    (x: Tensor, y: Tensor) => log(x).add(y.log1p()).add(x.expm1()).add(exp(y)),
    [0.5, 2],
  ],
  ["differences of differences", (x, y) => sub(x, sub(y, sub(x, y))), [0.3, 0.7]],
  ["quotients of quotients", (x, y) => div(x, div(y, div(x, y))), [0.3, 0.7]],
  ["where", (x: Tensor, y: Tensor) => where(x.gt(y), mul(x, 2), y.neg()), [1, 3]],
  [
    "activations",
    (x: Tensor, y: Tensor) =>
      x
        .silu()
        .add(y.gelu({ approximate: "tanh" }))
        .add(x.softplus()),
    [1, -0.5],
  ],
  ["what has no operator", (x: Tensor, y: Tensor) => x.erf().mul(y.gelu()), [1, -0.5]],
  ["roundings", (x: Tensor, y: Tensor) => x.abs().mul(y).add(x.floor()).add(y.ceil()), [-1.5, 0.5]],
  [
    "names that are words",
    (x, y) => ({ new: mul(x, y), "a-b": add(x, y), f: mul(add(x, y), y) }),
    [2, 3],
  ],
];
const tensors: readonly (readonly [string, AnyFunction, () => readonly unknown[]])[] = [
  ["broadcasting", (x, y) => weighed(add(mul(x, 2), y)), () => [batch(2, 3), batch(3)]],
  [
    "reductions",
    (x: Tensor) => weighed(x.mean(1)).add(max(x, 0).sum()).add(x.min()),
    () => [batch(3, 4)],
  ],
  [
    "softmaxes",
    (x: Tensor) => weighed(x.softmax()).add(weighed(x.logSoftmax(0))),
    () => [batch(3, 4)],
  ],
  [
    "cross-entropy",
    (x, y) => nn.crossEntropy(x, y),
    () => [batch(3, 4), tensor([1, 0, 3], { dtype: "i32" })],
  ],
  [
    "batch norm",
    (x, g, b) => weighed(nn.batchNormTrain(x, g, b).y),
    () => [batch(4, 3), batch(3), batch(3)],
  ],
  [
    "norms of rows",
    (x: Tensor) => weighed(nn.layerNorm(x, [4])).add(weighed(nn.rmsNorm(x, [4]))),
    () => [batch(3, 4)],
  ],
  [
    "linear",
    (x, w, b) => weighed(tanh(linear(x, w, b))),
    () => [batch(2, 3), batch(4, 3), batch(4)],
  ],
  [
    "batched products",
    (x: Tensor, y: Tensor) => weighed(x.matmul(y.swapAxes(1, 2))),
    () => [batch(2, 3, 4), batch(2, 5, 4)],
  ],
  [
    "transposed factors",
    (x: Tensor, y: Tensor) => weighed(transpose(x).matmul(transpose(y))),
    () => [batch(4, 3), batch(2, 4)],
  ],
  [
    "convolution",
    (x, w, b) => weighed(conv2d(x, w, b, { stride: 2, padding: 1 })),
    () => [batch(1, 2, 5, 5), batch(3, 2, 3, 3), batch(3)],
  ],
  [
    "groups and dilation",
    (x, w) => weighed(conv2d(x, w, undefined, { groups: 2, dilation: 2 })),
    () => [batch(1, 4, 5, 5), batch(4, 2, 2, 2)],
  ],
  [
    "pools",
    (x: Tensor) =>
      weighed(maxPool2d(x, 2, { ceilMode: true })).add(
        weighed(avgPool2d(x, 2, { stride: 1, padding: 1, countIncludePad: false })),
      ),
    () => [batch(1, 2, 5, 5)],
  ],
  [
    "parts",
    (x: Tensor) => {
      const [a, b] = split(x, [1, 3], 1) as [Tensor, Tensor];
      return weighed(concat([b, mul(a, 2)], 1));
    },
    () => [batch(2, 4)],
  ],
  [
    "slices",
    (x: Tensor) =>
      weighed(slice(x, [[0, 3, 2], [1]]))
        .add(weighed(slice(x, [1])))
        .add(weighed(x.flip(1))),
    () => [batch(3, 4)],
  ],
  [
    "padding",
    (x: Tensor) =>
      weighed(
        pad(x, [
          [1, 0],
          [0, 2],
        ]),
      ),
    () => [batch(2, 3)],
  ],
  [
    "rows",
    (x: Tensor, i: Tensor) => weighed(x.indexSelect(0, i)),
    () => [batch(4, 2), tensor([3, 1, 3], { dtype: "i32" })],
  ],
  ["running sums", (x: Tensor) => weighed(x.cumsum(0)), () => [batch(4, 2)]],
  [
    "activations",
    (x: Tensor) => weighed(x.gelu().add(x.silu()).add(x.relu())),
    () => [batch(3, 3)],
  ],
  ["a constant", (x: Tensor) => weighed(mul(x, tensor([0.1, -0.25, 3]))), () => [batch(2, 3)]],
];
const argumentNames = ["x", "y", "z"];

test.each(scalars)("numbers: %s", async (_, f, args) => {
  inDouble();
  await expectSame(f, args, argumentNames.slice(0, args.length), 12);
});

test.each(tensors)("tensors: %s", async (_, f, make) => {
  inDouble();
  const args = make();
  // Integers have no gradient to be compared.
  const text = stages(f as never, args, { names: argumentNames.slice(0, args.length) });
  const found = (await imported(text))(...args);
  const { wires } = circuit(f as never, args, {
    names: argumentNames.slice(0, args.length),
    entries: Number.POSITIVE_INFINITY,
  });
  for (const [index, arg] of args.entries()) {
    const wire = wires[index];
    expect(wire?.gradient === undefined).toBe((arg as Tensor).dtype === "i32");
    const got = wire?.gradient ? numbers(found[`d${wire.label}`]) : [];
    for (const [at, value] of got.entries())
      expect(value, text).toBeCloseTo(wire?.gradient?.entries[at] as number, 11);
  }
});

test("of random expressions the numbers are the circuit's", async () => {
  inDouble();
  const ops = [add, sub, mul, maximum, (a: Tensor) => sigmoid(a), (a: Tensor) => tanh(a)];
  const step = fc.tuple(fc.nat(5), fc.nat(99), fc.nat(99));
  const entry = fc.double({ min: -2, max: 2, noNaN: true });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 10 }),
      fc.tuple(entry, entry),
      async (list, data) => {
        const f = (x: Tensor, y: Tensor): Tensor => {
          const known = [x, y];
          for (const [op, a, b] of list)
            known.push(
              (ops[op] as (a: Tensor, b: Tensor) => Tensor)(
                known[a % known.length] as Tensor,
                known[b % known.length] as Tensor,
              ),
            );
          return known.reduce((a, b) => add(a, b));
        };
        await expectSame(f, data, ["x", "y"], 12);
      },
    ),
    { numRuns: 25 },
  );
});

test("Parameters come after the inputs", async () => {
  const w = parameter([[1, 2]], { name: "w" });
  const text = await expectSame((x: Tensor) => weighed(mul(x, w)), [batch(3, 2)], ["x"], 6, [w]);
  expect(text).toContain("export function stages(x: Tensor, w: Tensor) {");
  expect(text).toContain("dx, dw };");
});

test("the text is TypeScript that the compiler accepts", () => {
  const texts = [
    ...scalars.map(([, f, args]) => stages(f as never, args)),
    ...tensors.map(([, f, make]) => stages(f as never, make())),
  ];
  const paths = texts.map((text, index) => {
    const path = join(folder, `checked${index}.ts`);
    writeFileSync(path, text);
    return path;
  });
  const program = ts.createProgram(paths, {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    noUnusedLocals: false,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"],
    types: [],
    paths: { chainrule: [join(root, "src/core.ts")] },
  });
  const said = paths.flatMap((path) =>
    program
      .getSemanticDiagnostics(program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
  );
  expect(said).toEqual([]);
});

test.each<[string, () => unknown, unknown]>([
  [
    "no function",
    () => stages(1 as never, []),
    new TypeError("stages: not a function: got 1, expected a function of tensors"),
  ],
  [
    "no scalar",
    () => stages((x: Tensor) => x, [batch(2)]),
    new RangeError(
      "stages: output is not a scalar: got [2], expected []; reduce it with sum or mean, or give its cotangent",
    ),
  ],
  [
    "random draws",
    () => stages((x: Tensor) => sum(new nn.Dropout(0.5).forward(x)), [batch(2)]),
    new Error(
      "stages: dropout has no staged form: expected ops that are written with operators or calls of the library; eval() turns dropout off",
    ),
  ],
])("errors: %s", (_, run, error) => {
  expect(run).toThrow(error as Error);
});
