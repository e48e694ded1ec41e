/**
 * Chains: instructions that run tile by tile give the bits that they give one by one. Graphs are
 * made of instructions, fused with small tiles and placed as in a plan, in both builds and in f64.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import { compile, type Tensor } from "../../src/index.js";
import { placeValues } from "../../src/plan/addresses.js";
import { type ChainSizes, fuseChains } from "../../src/plan/chains.js";
import { type Instruction, Value } from "../../src/plan/lowering.js";
import type { Dtype, FloatDtype, Node } from "../../src/tensor.js";
import { bits, onBoth, onDouble } from "./harness.js";
import { numbers } from "./values.js";

const node = compile((x: Tensor) => x.exp())
  .trace({ shape: [1] })
  .tape.nodes.at(-1) as Node;

interface Graph {
  readonly instructions: readonly Instruction[];
  readonly inputs: readonly Value[];
  readonly kept: readonly Value[];
}

const dataOf = (value: Value, at: number): number[] => {
  if (value.data) return [...value.data];
  const few = [0, -0, Number.NaN, Number.POSITIVE_INFINITY];
  const floats = [...numbers(value.size, at + 1, 4)];
  return value.dtype === "i32"
    ? floats.map((x) => Math.abs(Math.round(x)) % 3)
    : floats.map((x, i) => (i % 11 === 3 ? (few[i % 4] as number) : x));
};

const valuesOf = (instructions: readonly Instruction[]): Value[] => [
  ...new Set(
    instructions.flatMap(({ writes, rest }) => [
      ...writes,
      ...rest.filter((operand) => operand instanceof Value),
    ]),
  ),
];

/** The instructions with addresses. */
const programOf = (
  instructions: readonly Instruction[],
  address: (value: Value) => number,
): (readonly [number, number[]])[] =>
  instructions.map(({ opcode, writes, rest, words = [...writes, ...rest] }) => [
    opcode,
    words.map((operand) => (operand instanceof Value ? address(operand) : operand)),
  ]);

/** The bits of what is kept, after the instructions have run in an arena, in both builds. */
function inArena({ inputs, kept }: Graph, instructions: readonly Instruction[]): Uint32Array[] {
  const { peakBytes: bytes } = placeValues(instructions, inputs, kept);
  const arena = new Float32Array(bytes / 4).fill(Number.NaN);
  const words = new Int32Array(arena.buffer);
  for (const [at, value] of inputs.entries())
    (value.dtype === "i32" ? words : arena).set(dataOf(value, at), value.offset / 4);
  const pool = valuesOf(instructions).filter((value) => value.inPool);
  const blocks = pool.map((value, at) => Float32Array.from(dataOf(value, at)));
  const { status, buffers } = onBoth([arena, ...blocks], (start, ...rest) =>
    programOf(instructions, (value) =>
      value.inPool ? (rest[pool.indexOf(value)] as number) : (start as number) + value.offset,
    ),
  );
  expect(status).toBe(0);
  const after = bits(buffers[0] as Float32Array);
  return kept.map(({ offset, size }) => after.slice(offset / 4, offset / 4 + size));
}

/** What is kept, in f64, each value in a place of its own. */
function inDouble({ inputs, kept }: Graph, instructions: readonly Instruction[]): unknown[] {
  const values = [...new Set([...inputs, ...valuesOf(instructions)])];
  const blocks = values.map((value, at) => {
    const data = dataOf(value, at);
    return value.dtype === "i32" ? Int32Array.from(data) : Float32Array.from(data);
  });
  const { buffers } = onDouble(blocks, (...addresses) =>
    programOf(instructions, (value) => addresses[values.indexOf(value)] as number),
  );
  return kept.map((value) => buffers[values.indexOf(value)]);
}

/** [what to do, operand, operand]; each number picks one of what there is. */
type Gene = readonly [number, number, number];

const unary = [
  ...[Opcode.Neg, Opcode.Exp, Opcode.Log, Opcode.Sqrt, Opcode.Sigmoid, Opcode.Tanh, Opcode.Relu],
  ...[Opcode.Abs, Opcode.Sign, Opcode.Floor, Opcode.Ceil, Opcode.Round, Opcode.Log1p],
  ...[Opcode.Sin, Opcode.Erf, Opcode.Silu, Opcode.Gelu],
];
const backward = [Opcode.SigmoidBackward, Opcode.ReluBackward, Opcode.GeluTanhBackward];
const binary = [
  ...[Opcode.Add, Opcode.Sub, Opcode.Mul, Opcode.Div, Opcode.Maximum, Opcode.Minimum],
  ...[Opcode.Equal, Opcode.MaximumShare, Opcode.Pow, Opcode.Hypot],
];
const reductions = [Opcode.Sum, Opcode.Mean, Opcode.Max, Opcode.Min];
/** Those that have a result when there is nothing to reduce. */
const sums = reductions.slice(0, 2);

/** A graph over [rows, cols], its rows, its columns (of a square: its rows as columns) and scalars. */
function build(
  rows: number,
  cols: number,
  genes: readonly Gene[],
  keep: readonly number[],
  float: FloatDtype,
): Graph {
  const n = rows * cols;
  const pick = <T>(from: readonly T[], at: number): T => from[at % from.length] as T;
  const made = (size: number, dtype: Dtype = float): Value => new Value(dtype, size);
  const whole = [made(n), made(n)];
  const perRow = [made(rows)];
  const perColumn = [made(cols)];
  const scalars = [made(1)];
  const conditions = [made(n, "i32")];
  const inputs = [...whole, ...perRow, ...perColumn, ...scalars, ...conditions];
  const instructions: Instruction[] = [];
  const emit = (
    opcode: Opcode,
    out: Value,
    rest: readonly (Value | number)[],
    walked: readonly Value[],
  ): void => {
    const inPlace = walked.map((value) => [out, value] as const);
    instructions.push({ opcode, writes: [out], rest, inPlace, node });
  };
  /** An operand, its row and its column stride. */
  const operand = (at: number): readonly [Value, number, number] =>
    pick(
      [
        ...whole.slice(-3).map((v) => [v, cols, 1] as const),
        [pick(perRow, at), 1, 0],
        [pick(rows === cols ? perRow : perColumn, at), 0, 1],
        [pick(scalars, at), 0, 0],
      ] as const,
      at,
    );
  const steps: ((a: number, b: number) => void)[] = [
    (a, b) => {
      const [x, out] = [pick(whole, b), made(n)];
      emit(pick(unary, a), out, [x, n], [x]);
      whole.push(out);
    },
    (a, b) => {
      const [x, y, out] = [pick(whole, a), pick(whole, b), made(n)];
      emit(pick(backward, a + b), out, [x, y, n], [x, y]);
      whole.push(out);
    },
    ...[0, 1].map((shift) => (a: number, b: number) => {
      const [x, rsA, csA] = operand(a);
      const [y, rsB, csB] = operand(b + shift);
      const out = made(n);
      const walked = [x, y].filter((v) => whole.includes(v));
      emit(pick(binary, a * 7 + b), out, [x, y, rows, cols, rsA, csA, rsB, csB], walked);
      whole.push(out);
    }),
    (a, b) => {
      const [x, y, out] = [pick(perRow, a), pick(perRow, b), made(rows)];
      emit(pick(binary, a + b), out, [x, y, 1, rows, rows, 1, rows, 1], [x, y]);
      perRow.push(out);
    },
    (a, b) => {
      const [x, y, out] = [pick(whole, a), pick(whole, b), made(n, "i32")];
      emit(Opcode.Compare, out, [x, y, 1, n, n, 1, n, 1, a % 4], []);
      conditions.push(out);
    },
    (a, b) => {
      const [c, x, y] = [pick(conditions, a), pick(whole, b), pick(scalars, a)];
      const out = made(n);
      emit(Opcode.Select, out, [c, x, y, n, 1, 0], [x]);
      whole.push(out);
    },
    ...[0, 1].map(() => (a: number, b: number) => {
      const [x, out] = [pick(whole, b), made(rows)];
      emit(pick(n > 0 ? reductions : sums, a), out, [x, rows, cols, 1], []);
      perRow.push(out);
    }),
    (a, b) => {
      const [x, out] = [pick(whole, b), made(1)];
      emit(pick(n > 0 ? reductions : sums, a), out, [x, 1, n, 1], []);
      scalars.push(out);
    },
    (_, b) => {
      const [x, out] = [pick(whole, b), made(n)];
      emit(Opcode.Cumsum, out, [x, rows, cols, 1, 0], []);
      whole.push(out);
    },
  ];
  for (const [step, a, b] of genes) pick(steps, step)(a, b);
  const results = instructions.flatMap(({ writes }) => writes);
  const last = results.slice(-1);
  return {
    instructions,
    inputs,
    kept: [...new Set([...keep.map((at) => pick(results, at)), ...last])],
  };
}

/** Fused and not, the same bits; how many instructions there are of each kind. */
function check(make: (float: FloatDtype) => Graph, sizes?: ChainSizes): Instruction[] {
  const single = make("f32");
  const fused = fuseChains(single.instructions, new Set(single.kept), sizes);
  expect(inArena(single, fused)).toEqual(inArena(single, single.instructions));
  const double = make("f64");
  const inTiles = fuseChains(double.instructions, new Set(double.kept), sizes);
  expect(inDouble(double, inTiles)).toEqual(inDouble(double, double.instructions));
  return fused;
}

const chains = (instructions: readonly Instruction[]): Instruction[] =>
  instructions.filter(({ opcode }) => opcode === Opcode.Chain);

test("random graphs, cut into tiles of any size", () => {
  const gene = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99));
  let fusedAtAll = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(1, 2, 3, 5, 8, 17, "square" as const),
      fc.array(gene, { minLength: 2, maxLength: 14 }),
      fc.array(fc.nat(99), { maxLength: 2 }),
      fc.constantFrom(1, 4, 16, 50),
      (rows, width, genes, keep, tile) => {
        const cols = width === "square" ? rows : width;
        const fused = check((float) => build(rows, cols, genes, keep, float), { tile, least: 0 });
        fusedAtAll += chains(fused).length;
      },
    ),
    { numRuns: 300, seed: 1 },
  );
  expect(fusedAtAll).toBeGreaterThan(100);
});

/** Every kind of step of `build`, a few values read twice. */
const everyStep: readonly Gene[] = [
  ...[0, 2, 3, 1, 7, 4, 3, 5, 6, 0, 9, 2, 8, 9].map(
    (step, at) => [step, at * 5 + 1, at * 3] as const,
  ),
];

test.each([0, 1, 3, 1023, 1024, 1025, 4093, 3 * 1024, 5 * 1024 + 7])("%d elements", (n) => {
  for (const keep of [[], [0, 3]]) {
    const flat: Gene[] = everyStep.map(([step, a, b]) => [step === 3 ? 2 : step, a, b]);
    check((float) => build(n, 1, flat, keep, float), { tile: 1024, least: 0 });
    check((float) => build(1, n, flat, keep, float), { tile: 1024, least: 0 });
  }
});

test.each([
  [700, 10],
  [2048, 3],
  [5, 1024],
  [5, 2049],
  [331, 31],
])("%d rows of %d, as a plan would cut them", (rows, cols) => {
  const fused = check((float) => build(rows, cols, everyStep, [2], float), {
    tile: 2048,
    least: 4096,
  });
  expect(chains(fused).length).toBeGreaterThan(0);
});

test.each([0, 1, 17, 4095, 4096, 4097, 3 * 4096 + 5])("sums of the blocks of %d", (n) => {
  const x = numbers(n, 3, 2);
  const blocks = new Float32Array(Math.ceil(n / 4096));
  const { buffers } = onBoth([x, blocks, new Float32Array(2)], (at, to, total) => [
    [Opcode.SumBlocks, [to, at, n]],
    [Opcode.Sum, [total, to, 1, blocks.length, 1]],
    [Opcode.Sum, [total + 4, at, 1, n, 1]],
  ]);
  const [cut, whole] = bits(buffers[2] as Float32Array);
  expect(cut).toBe(whole);
});
