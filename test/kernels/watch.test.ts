import { describe, expect, test } from "vitest";
import { Opcode, Refusal } from "../../assembly/opcodes.js";
import { onBoth, onDouble } from "./harness.js";

const { NaN: NAN, POSITIVE_INFINITY: INF } = Number;

describe("checkFinite", () => {
  type Case = readonly [
    name: string,
    y: readonly number[],
    inputs: readonly (readonly number[])[],
    infinities: 0 | 1,
    position: number,
  ];
  test.each<Case>([
    ["nothing", [], [], 1, -1],
    ["finite values", [1, -0, 3.4e38, 1e-45], [], 1, -1],
    ["a NaN", [1, 2, NAN, NAN], [[1, 2]], 1, 2],
    ["a NaN of a NaN", [1, NAN], [[1], [2, NAN]], 1, -1],
    ["a NaN of infinities", [NAN], [[INF], [-INF]], 1, 0],
    ["an infinity", [0, 0, 0, 0, -INF], [[1]], 1, 4],
    ["an infinity of an infinity", [INF], [[0, 0, -INF]], 1, -1],
    ["an infinity of a NaN", [INF], [[NAN]], 1, -1],
    ["both, the NaN first", [NAN, INF], [[1]], 1, 0],
    ["both, the infinity first", [1, INF, NAN], [[1]], 1, 1],
    ["both, of an infinity", [INF, 1, NAN], [[INF]], 1, 2],
    ["both, of an infinity and a NaN", [INF, 1, NAN], [[INF], [NAN]], 1, -1],
    ["infinities that are not asked for", [INF, -INF], [], 0, -1],
    ["a NaN after infinities that are not asked for", [INF, NAN], [], 0, 1],
  ])("%s", (_, y, inputs, infinities, position) => {
    const buffers = [y, ...inputs].map((values) => Float32Array.from(values));
    const program = (...addresses: number[]) =>
      [
        [
          Opcode.CheckFinite,
          [
            addresses[0] as number,
            y.length,
            infinities,
            inputs.length,
            ...inputs.flatMap((x, k) => [addresses[k + 1] as number, x.length]),
          ],
        ],
      ] as const;
    const { status, refusal } = onBoth(buffers, program);
    expect(status).toBe(position < 0 ? 0 : 1);
    if (position >= 0) expect(refusal.slice(0, 3)).toEqual([Refusal.NonFinite, 0, position]);
    const double = onDouble(buffers, program);
    expect(double.status).toBe(status);
    if (position >= 0) expect(double.refusal[2]).toBe(position);
  });

  test.each([3, 4, 5, 17, 1027])("at each place of %i elements", (n) => {
    for (const at of new Set([0, 1, n >> 1, n - 2, n - 1])) {
      const y = Float32Array.from({ length: n }, (_, i) => (i === at ? NAN : i - n / 2));
      const { refusal } = onBoth([y], (a) => [[Opcode.CheckFinite, [a as number, n, 1, 0]]]);
      expect(refusal[2]).toBe(at);
    }
  });
});

/** What the kernel is to find, in f64 and in order. */
function expected(x: readonly number[], low: number, high: number) {
  const finite = x.filter(Number.isFinite);
  const n = finite.length;
  const mean = finite.reduce((s, v) => s + v, 0) / n;
  return {
    mean,
    std: Math.sqrt(finite.reduce((s, v) => s + (v - mean) ** 2, 0) / n),
    min: Math.min(...finite),
    max: Math.max(...finite),
    counts: [
      finite.filter((v) => v === 0).length,
      x.length - n,
      finite.filter((v) => v < low).length,
      finite.filter((v) => v > high).length,
    ],
  };
}

function binsOf(x: readonly number[], bins: number, round: (v: number) => number): number[] {
  const finite = x.filter(Number.isFinite);
  const [min, max] = [Math.min(...finite), Math.max(...finite)];
  const scale = round(bins / round(max - min));
  const counts = new Array<number>(bins).fill(0);
  for (const v of finite) {
    const k = Math.floor(round(round(v - min) * scale));
    const bin = Number.isNaN(k) ? 0 : Math.min(bins - 1, k);
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts;
}

describe("statistics", () => {
  const wave = (n: number) =>
    Array.from({ length: n }, (_, i) =>
      Math.fround(Math.sin(i * 1.7) * 3 + (i % 5 === 0 ? 0 : 0.1)),
    );
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ...[1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 257, 1031].map(
      (n) => [`${n} of a wave`, wave(n)] as const,
    ),
    ["zeros of both signs", [0, -0, 0, -0, 0]],
    ["all the same", [2.5, 2.5, 2.5, 2.5, 2.5, 2.5]],
    ["rectified", wave(203).map((v) => Math.max(0, v))],
    ["infinities and NaNs", [1, NAN, INF, -INF, 2, 0, NAN, -4, 5, INF]],
    ["a wave with gaps", wave(203).map((v, i) => (i % 7 > 3 ? v : v > 0 ? INF : -INF))],
    ["the largest and the smallest", [3.4e38, -3.4e38, 1e-45, -1e-45, 0]],
    ["subnormal", [1e-45, 3e-45, 2e-40, 0, 7e-42]],
    ["far from zero", wave(99).map((v) => Math.fround(v + 1000))],
  ];
  for (const [bins, low, high] of [
    [0, -0.5, 1.25],
    [1, -0.5, INF],
    [8, -INF, INF],
    [32, -INF, 1.25],
  ] as const)
    test.each(cases)(`of %s in ${bins} bins`, (_, x) => {
      const limits = Float32Array.of(low, high);
      const buffers = [new Float32Array(4), new Int32Array(4 + bins), Float32Array.from(x), limits];
      const program = (...[out, counts, at, lim]: number[]) =>
        [
          [
            Opcode.Statistics,
            [out as number, counts as number, at as number, x.length, bins, lim as number],
          ],
        ] as const;
      const want = expected(x.map(Math.fround), low, high);
      for (const [run, round, digits] of [
        [onBoth, Math.fround, 3e-7],
        [onDouble, (v: number) => v, 1e-12],
      ] as const) {
        const [out, counts] = run(buffers, program).buffers as [Float32Array, Int32Array];
        const [mean, std, min, max] = out as unknown as [number, number, number, number, number];
        const size = Math.max(Math.abs(want.mean), want.std);
        const close = (got: number, exact: number, error: number): void => {
          const w = round(exact);
          if (got !== w) expect(Math.abs(got - w)).toBeLessThanOrEqual(error);
        };
        close(mean, want.mean, digits * size);
        close(std, want.std, digits * size);
        expect([min, max]).toEqual(
          [want.min, want.max].map((v) => (v === 0 ? expect.closeTo(0, 99) : round(v))),
        );
        expect([...counts.slice(0, 4)]).toEqual(want.counts);
        expect([...counts.slice(4)]).toEqual(
          bins === 0 ? [] : binsOf(x.map(Math.fround), bins, round),
        );
      }
    });

  test.each([
    ["nothing", []],
    ["NaNs alone", [NAN, NAN]],
  ])("of %s", (_, x) => {
    const buffers = [
      new Float32Array(4),
      new Int32Array(6),
      Float32Array.from(x),
      new Float32Array(2),
    ];
    const { buffers: found } = onBoth(buffers, (out, counts, at, limits) => [
      [Opcode.Statistics, [out, counts, at, x.length, 2, limits] as number[]],
    ]);
    expect([...(found[0] as Float32Array)]).toEqual([NAN, NAN, INF, -INF]);
    expect([...(found[1] as Int32Array)]).toEqual([0, x.length, 0, 0, 0, 0]);
  });
});

describe("norm", () => {
  const wave = (n: number, k: number) =>
    Float32Array.from({ length: n }, (_, i) => Math.sin(i * k));
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 255, 256, 257, 1009])(
    "of %i elements",
    (n) => {
      for (const [x, y] of [
        [wave(n, 1.3), undefined],
        [wave(n, 1.3), wave(n, 0.7)],
        [wave(n, 1).map((v) => v * 1e30), wave(n, 2)],
        [wave(n, 1).map((v) => v * 1e-40), undefined],
        [new Float32Array(n), undefined],
      ] as const) {
        const buffers = [new Float32Array(1), x, ...(y ? [y] : [])];
        const program = (...[out, a, b = 0]: number[]) =>
          [[Opcode.Norm, [out as number, a as number, b, n]]] as const;
        const difference = Array.from(x, (v, i) => Math.fround(v - (y?.[i] ?? 0)));
        const want = Math.sqrt(difference.reduce((s, v) => s + v * v, 0));
        const found = onBoth(buffers, program).buffers[0]?.[0] as number;
        expect(Math.abs(found - Math.fround(want))).toBeLessThanOrEqual(2 ** -23 * want);
        const double = onDouble(buffers, program).buffers[0]?.[0] as number;
        expect(Math.abs(double - want)).toBeLessThanOrEqual((y ? 1e-7 : 1e-14) * want);
      }
    },
  );

  test("of what is not finite", () => {
    for (const [x, want] of [
      [[1, NAN], NAN],
      [[INF, 1], INF],
    ] as const) {
      const buffers = [new Float32Array(1), Float32Array.from(x)];
      const { buffers: found } = onBoth(buffers, (out, a) => [
        [Opcode.Norm, [out, a, 0, 2] as number[]],
      ]);
      expect(found[0]?.[0]).toBe(want);
    }
  });
});
