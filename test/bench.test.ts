import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = new URL("..", import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "chainrule-bench-"));
const node = (...args: readonly string[]) =>
  spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 });
const bench = (...args: readonly string[]) => node("bench/run.mjs", ...args);

interface Build {
  readonly gflops: number;
  readonly ms: Readonly<Record<string, number>>;
  readonly count: number;
  readonly samples: readonly (readonly number[])[];
}
interface Case {
  readonly kind: string;
  readonly name: string;
  readonly flops: number;
  readonly ofPeak: Readonly<Record<string, number>>;
  readonly overTs: { readonly median: number; readonly best: number };
  readonly callsPerStep?: number;
  readonly wasm: Build;
  readonly ts: Build;
}
interface Report {
  readonly date: string;
  readonly machine: { readonly cpu: string; readonly node: string };
  readonly quick: boolean;
  readonly pace: { readonly rounds: number };
  readonly peak: {
    readonly gflops: number;
    readonly fastest: number;
    readonly loops: readonly (Build & { readonly name: string; readonly flops: number })[];
  };
  readonly cases: readonly Case[];
  readonly elementwise: readonly {
    readonly bytes: number;
    readonly elements: number;
    readonly gbps: number;
    readonly loopGbps: number;
    readonly ofLoop: Readonly<Record<string, number>>;
    readonly ofBare?: Readonly<Record<string, number>>;
    readonly nsPerElement: Readonly<Record<"median" | "best", number>>;
    readonly overTs: Readonly<Record<string, number>>;
  }[];
}

function expectPositive(numbers: readonly number[]): void {
  expect(numbers.length).toBeGreaterThan(0);
  for (const x of numbers) expect(Number.isFinite(x) && x > 0, `${x} > 0`).toBe(true);
}

function expectBuild({ gflops, ms, count, samples }: Build, flops: number): void {
  const all = samples.flat();
  expect(all).toHaveLength(count);
  expectPositive(all);
  expect(Object.keys(ms)).toEqual(["min", "p25", "median", "p75", "p99"]);
  const quantiles = Object.values(ms);
  expectPositive(quantiles);
  expect(quantiles).toEqual([...quantiles].sort((a, b) => a - b));
  expect(ms.min).toBe(Math.min(...all));
  expect(gflops).toBeCloseTo(flops / (ms.median as number) / 1e6, 9);
}

beforeAll(() => {
  if (existsSync(new URL("build/peak.relaxed.wasm", root))) return;
  expect(node("bench/peak/build.mjs").stderr).toBe("");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("bench", () => {
  it("writes every sample of GEMM as JSON", () => {
    const { status, stdout, stderr } = bench("--quick", "--only", "13x29x37", "--json", "-");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const report = JSON.parse(stdout) as Report;
    const { peak, cases, pace } = report;
    expect(report.quick).toBe(true);
    expect(Number.isNaN(Date.parse(report.date))).toBe(false);
    expect(report.machine.node).toBe(process.versions.node);
    expect(report.machine.cpu).not.toBe("");

    expect(peak.loops).toHaveLength(4);
    for (const loop of peak.loops) expectBuild(loop, loop.flops);
    expect(peak.gflops).toBe(Math.max(...peak.loops.map(({ gflops }) => gflops)));
    expect(peak.fastest).toBeGreaterThanOrEqual(peak.gflops);

    const names = ["gemm 13x29x37 AB", "gemm 13x29x37 AtB", "gemm 13x29x37 ABt"];
    expect(cases.map(({ name }) => name)).toEqual(names);
    for (const { flops, ofPeak, overTs, wasm, ts } of cases) {
      expect(flops).toBe(27_898); // 2 · 13 · 29 · 37
      for (const build of [wasm, ts]) {
        expectBuild(build, flops);
        expect(build.samples).toHaveLength(pace.rounds);
      }
      expect(Object.keys(ofPeak)).toEqual(["median", "p25", "p75", "paired", "best"]);
      expectPositive(Object.values(ofPeak));
      expect(ofPeak.median).toBeCloseTo(wasm.gflops / peak.gflops, 9);
      expectPositive(Object.values(overTs));
      expect(overTs.median).toBeCloseTo((ts.ms.median as number) / (wasm.ms.median as number), 9);
    }
  });

  it("prints a table for people, and counts the flops of a training step", () => {
    const file = join(folder, "bench.json");
    const { status, stdout, stderr } = bench("--quick", "--only", "step 64-32-10", "--json", file);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^chainrule bench, /);
    expect(stdout).toMatch(/^64-32-10 batch 32 +[\d.]+ %/m);
    const { cases } = JSON.parse(readFileSync(file, "utf8")) as Report;
    expect(cases).toHaveLength(1);
    const [step] = cases as [Case];
    // 64 → 32: forward and dW; 32 → 10: forward, dW and dX.
    expect(step.flops).toBe(2 * (2 * 32 * 64 * 32) + 3 * (2 * 32 * 32 * 10));
    expect(step.callsPerStep).toBe(1);
    for (const build of [step.wasm, step.ts]) expectBuild(build, step.flops);
  });

  it("has these steps, and counts the flops of their products", () => {
    const list = "stepCases().map(({ name, flops, scarce }) => [name, flops, scarce])";
    const { stdout, stderr } = node(
      "--input-type=module",
      "--eval",
      `import { stepCases } from "./bench/steps.mjs"; console.log(JSON.stringify(${list}))`,
    );
    expect(stderr).toBe("");
    // 2mnk, twice in a first layer and three times in others.
    const wide = 2 * (2 * 64 * 784 * 256) + 3 * 2 * 64 * (256 * 128 + 128 * 10);
    const wider = 2 * (2 * 128 * 784 * 512) + 3 * 2 * 128 * (512 * 512 + 512 * 10);
    const small = 2 * (2 * 32 * 64 * 32) + 3 * (2 * 32 * 32 * 10);
    const images = 2 * (2 * 32 * 784 * 16 * 9) + 3 * 2 * 32 * (196 * 32 * 16 * 9 + 32 * 7 * 7 * 10);
    const block = 512 * 12 * 128 * 128 + 2 * 8 * 4 * (64 * 64 * 32);
    const characters = 3 * 2 * (4 * block + 512 * 65 * 128);
    expect(JSON.parse(stdout)).toEqual([
      ["step 784-256-128-10 batch 64", wide, false],
      ["step 784-256-128-10 batchnorm batch 64", wide, false],
      ["step 64-32-10 batch 32", small, false],
      ["step 784-512-512-10 batch 128", wider, false],
      ["step cnn 28x28-16-32-10 batch 32", images, false],
      ["step gpt 4x128 context 64 batch 8", characters, true],
    ]);
  });

  it("samples what takes seconds in TypeScript once in ten rounds", async () => {
    const { measure } = (await import(new URL("bench/measure.mjs", root).href)) as {
      measure(...operands: unknown[]): { rounds: { ts: number[] }[] }[];
    };
    let calls = 0;
    const task = { call: () => undefined };
    const slow = { call: () => ++calls };
    const scarce = { kind: "step", name: "slow", label: "slow", flops: 1, scarce: true };
    const pace = { rounds: 12, slice: 1, peakSlice: 1, warmUp: 1 };
    const cases = [{ ...scarce, make: () => ({ wasm: task, ts: slow }) }];
    const [measured] = measure({ peak: task }, cases, pace, () => undefined);
    const counts = measured?.rounds.map(({ ts }) => ts.length);
    expect(counts).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(calls).toBe(2);
  });

  it("measures kernels against loops that move as many bytes, and functions by the element", () => {
    const file = join(folder, "kernels.json");
    const { status, stdout, stderr } = bench("--quick", "--only", "elementwise", "--json", file);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^a \+ b +L1 16 KiB +[\d.]+ %/m);
    expect(stdout).toMatch(/^exp +10⁶ elements +[\d.]+/m);
    const { cases, elementwise } = JSON.parse(readFileSync(file, "utf8")) as Report;
    expect(cases).toEqual([]);
    expect(elementwise).toHaveLength(3 * 15 + 8);
    expect(elementwise.filter(({ ofBare }) => ofBare)).toHaveLength(3 * 11);
    for (const { ofBare, ...rest } of elementwise) {
      const { bytes, elements, gbps, loopGbps, ofLoop, nsPerElement, overTs } = rest;
      expect([4, 8, 12]).toContain(bytes / elements);
      const shares = [ofLoop, ofBare ?? {}, nsPerElement, overTs];
      expectPositive([gbps, loopGbps, ...shares.flatMap(Object.values)]);
      expect(ofLoop.median).toBeCloseTo(gbps / loopGbps, 9);
      expect(gbps * nsPerElement.median).toBeCloseTo(bytes / elements, 6);
    }
  }, 120_000);

  it.each([
    [["--fast"], "bench: unknown option '--fast': got --fast, expected [--json FILE]"],
    [["--json"], "bench: option '--json <file>' argument missing: got --json, expected [--json"],
    [["512"], "bench: too many arguments"],
    [
      ["--only", "conv"],
      "bench: --only selects nothing: got conv, expected part of one of gemm 64",
    ],
    [
      ["--json", "/nowhere/b.json"],
      "bench: --json cannot be written: got /nowhere/b.json (ENOENT)",
    ],
  ])("refuses %j in one line", (args, start) => {
    const { status, stdout, stderr } = bench(...args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr.startsWith(start), stderr).toBe(true);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("explains its options", () => {
    const { status, stdout } = bench("--help");
    expect(status).toBe(0);
    for (const option of ["--json <file>", "--quick", "--only <name>"])
      expect(stdout).toContain(option);
  });

  it("tells what monitor costs", () => {
    const { status, stdout } = node("bench/monitor.mjs", "--quick");
    expect(status).toBe(0);
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toMatch(/^model +step ms +recorded : plain +overhead, every 10$/);
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows) expect(row).toMatch(/ [\d.]+ +[\d.]+ +-?[\d.]+ %$/);
  }, 120_000);

  it("tells what the circuit of a transformer takes, at the first call and later", () => {
    const { status, stdout, stderr } = node("bench/circuit.mjs", "--quick");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/ gates +│ +circuit, ms +│ +picture, ms +│ +page, ms +│/);
    expect(stdout.match(/│ +\d +│ +84 +(│ +\d+ +){4}│/g)).toHaveLength(2);
  }, 120_000);
});
