import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Opcode, Refusal } from "../../assembly/opcodes.js";
import { type Block, bits, type Instruction, onBoth, onDouble, onTs, onWasm } from "./harness.js";
import { expectClose, numbers } from "./values.js";

const COLS = [1, 2, 3, 4, 5, 10, 16, 17, 31, 4097];
const ROWS = 3;

function labelsFor(rows: number, cols: number): Int32Array {
  return Int32Array.from({ length: rows }, (_, r) => (r * 7 + cols - 1) % cols);
}

/** losses, rowMax, logSum, logits, labels */
function forward(rows: number, cols: number): (...a: number[]) => Instruction[] {
  return (...a) => [[Opcode.SoftmaxCrossEntropyForward, [...a.slice(0, 5), rows, cols]]];
}

function forwardBuffers(logits: Float32Array, labels: Int32Array): (Float32Array | Int32Array)[] {
  const made = () => new Float32Array(labels.length).fill(9);
  return [made(), made(), made(), logits, labels];
}

interface Reference {
  readonly losses: number[];
  readonly dLogits: number[];
}

/** Both formulas in f64, with sums in the plain order. */
function reference(logits: Block, labels: Int32Array, dLosses: readonly number[]): Reference {
  const cols = logits.length / labels.length;
  const losses: number[] = [];
  const dLogits: number[] = [];
  labels.forEach((label, r) => {
    const row = [...logits.subarray(r * cols, (r + 1) * cols)];
    const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const log = Math.log(row.reduce((sum, v) => sum + Math.exp(v - top), 0));
    losses.push(log - ((row[label] as number) - top));
    row.forEach((v, c) => {
      const p = Math.exp(v - top - log);
      dLogits.push((p - (c === label ? 1 : 0)) * (dLosses[r] as number));
    });
  });
  return { losses, dLogits };
}

/**
 * Forward, then backward from its residuals: buffers dLogits, losses, rowMax, logSum, logits,
 * labels, dLosses.
 */
function both(
  rows: number,
  cols: number,
  dStride: number,
  inPlace = false,
): (...a: number[]) => Instruction[] {
  return (dLogits = 0, losses = 0, top = 0, log = 0, logits = 0, labels = 0, dLosses = 0) => [
    [Opcode.SoftmaxCrossEntropyForward, [losses, top, log, logits, labels, rows, cols]],
    [
      Opcode.SoftmaxCrossEntropyBackward,
      [inPlace ? logits : dLogits, logits, labels, top, log, dLosses, rows, cols, dStride],
    ],
  ];
}

function bothBuffers(
  logits: Float32Array,
  labels: Int32Array,
  dLosses: Float32Array,
): (Float32Array | Int32Array)[] {
  return [new Float32Array(logits.length).fill(9), ...forwardBuffers(logits, labels), dLosses];
}

describe("softmax cross-entropy", () => {
  describe.each(COLS)("%i columns", (cols) => {
    const logits = numbers(ROWS * cols, cols, 8);
    const labels = labelsFor(ROWS, cols);

    it.each([
      ["one cotangent a row", 1, Float32Array.of(0.25, -3, 0)],
      ["one cotangent for all", 0, Float32Array.of(0.125)],
    ])("%s: the formulas, equal bits", (_, dStride, dLosses) => {
      const buffers = bothBuffers(logits, labels, dLosses);
      const single = onBoth(buffers, both(ROWS, cols, dStride));
      const double = onDouble(buffers, both(ROWS, cols, dStride));
      const wanted = reference(
        logits,
        labels,
        Array.from({ length: ROWS }, (_, r) => dLosses[r * dStride] as number),
      );
      expectClose(single.buffers[1] as Block, wanted.losses, 1e-6);
      expectClose(single.buffers[0] as Block, wanted.dLogits, 1e-6);
      expectClose(double.buffers[1] as Block, wanted.losses, 1e-12);
      expectClose(double.buffers[0] as Block, wanted.dLogits, 1e-12);
    });

    it("differentiates in place", () => {
      const buffers = bothBuffers(logits, labels, Float32Array.of(1, 2, 3));
      const apart = onBoth(buffers, both(ROWS, cols, 1));
      const inPlace = onBoth(buffers, both(ROWS, cols, 1, true));
      expect(bits(inPlace.buffers[4] as Block)).toEqual(bits(apart.buffers[0] as Block));
    });

    it("has gradients that sum to 0 in each row", () => {
      const { buffers } = onDouble(
        bothBuffers(logits, labels, Float32Array.of(1)),
        both(ROWS, cols, 0),
      );
      for (let r = 0; r < ROWS; r++) {
        const row = (buffers[0] as Float64Array).subarray(r * cols, (r + 1) * cols);
        expect(Math.abs(row.reduce((a, b) => a + b, 0))).toBeLessThan(1e-12);
      }
    });
  });

  it("runs on no rows", () => {
    expect(
      onBoth(bothBuffers(new Float32Array(0), new Int32Array(0), Float32Array.of(1)), both(0, 5, 0))
        .status,
    ).toBe(0);
  });

  it.each([
    ["all equal", [3, 3, 3, 3], 1, Math.log(4)],
    ["±1e4, the label above", [1e4, -1e4, 0], 0, 0],
    ["±1e4, the label below", [1e4, -1e4, 0], 1, 2e4],
    ["−Infinity beside the label", [-Infinity, 2, -Infinity, 2], 1, Math.log(2)],
    ["−Infinity at the label", [0, 1, -Infinity], 2, Infinity],
    ["all −Infinity", [-Infinity, -Infinity], 0, Number.NaN],
    ["+Infinity", [0, Infinity, 0], 0, Number.NaN],
    ["NaN", [0, Number.NaN, 0, 0, 0], 0, Number.NaN],
  ])("%s", (_, row, label, loss) => {
    const buffers = bothBuffers(Float32Array.from(row), Int32Array.of(label), Float32Array.of(1));
    for (const outcome of [
      onBoth(buffers, both(1, row.length, 1)),
      onDouble(buffers, both(1, row.length, 1)),
    ]) {
      const got = (outcome.buffers[1] as Block)[0] as number;
      if (Number.isFinite(loss)) expect(Math.abs(got - loss)).toBeLessThan(1e-6 * (1 + loss));
      else expect(got).toBe(loss);
    }
  });

  it("gives −Infinity the probability 0 and a finite gradient", () => {
    const buffers = bothBuffers(
      Float32Array.of(-Infinity, 2, 2),
      Int32Array.of(1),
      Float32Array.of(1),
    );
    const { buffers: out } = onBoth(buffers, both(1, 3, 1));
    expect(out[0]).toEqual(Float32Array.of(0, -0.5, 0.5));
  });

  it.each([
    ["too large", [0, 1, 10, 3], 2, 10],
    ["the first of two", [0, 12, 11, 3], 1, 12],
    ["negative", [0, 1, 2, -1], 3, -1],
    ["the least i32", [-2147483648, 1, 2, 3], 0, -2147483648],
  ])("refuses a label that is %s and writes nothing", (_, labels, row, value) => {
    const buffers = forwardBuffers(numbers(40, 5), Int32Array.from(labels));
    for (const run of [onWasm, onTs, onDouble]) {
      const outcome = run(buffers, forward(4, 10));
      expect(outcome.status).toBe(1);
      expect(outcome.refusal).toEqual([Refusal.IndexOutOfRange, 0, row, value >>> 0]);
      for (const k of [0, 1, 2]) expect([...(outcome.buffers[k] as Block)]).toEqual([9, 9, 9, 9]);
    }
  });

  it("gives equal bits on random logits", () => {
    const logit = fc.oneof(
      fc.float({ noNaN: false }),
      fc.float({ min: -20, max: 20, noNaN: true }),
      fc.constantFrom(0, -0, -Infinity, 88, -104),
    );
    const row = fc.integer({ min: 1, max: 40 }).chain((cols) =>
      fc.record({
        logits: fc.array(logit, { minLength: 2 * cols, maxLength: 2 * cols }),
        labels: fc.array(fc.nat({ max: cols - 1 }), { minLength: 2, maxLength: 2 }),
        dLosses: fc.array(fc.float(), { minLength: 2, maxLength: 2 }),
      }),
    );
    fc.assert(
      fc.property(row, ({ logits, labels, dLosses }) => {
        const buffers = bothBuffers(
          Float32Array.from(logits),
          Int32Array.from(labels),
          Float32Array.from(dLosses),
        );
        onBoth(buffers, both(2, logits.length / 2, 1));
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});
