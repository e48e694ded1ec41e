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
});
