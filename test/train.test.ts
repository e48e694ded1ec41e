/** The command behind `npm start`, run as by a user: in its own process, on the built package. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const IMAGES = "train-images-idx3-ubyte";
const LABELS = "train-labels-idx1-ubyte";
const TEST_IMAGES = "t10k-images-idx3-ubyte";
const TEST_LABELS = "t10k-labels-idx1-ubyte";

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command; sends it SIGINT as soon as `interruptAfter` is on its standard output. */
function train(args: readonly string[], interruptAfter?: RegExp): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["examples/train.mjs", ...args], { cwd: ROOT });
    let stdout = "";
    let stderr = "";
    let interrupted = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (!interrupted && interruptAfter?.test(stdout)) interrupted = child.kill("SIGINT");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

interface Report {
  readonly backend: string;
  readonly sizes: readonly number[];
  readonly steps: number;
  readonly plannedSteps: number;
  readonly confusion: readonly (readonly number[])[];
  readonly correct: number;
  readonly tested: number;
  readonly parameters: number;
  readonly peakBytes: number;
  readonly usedBytes: number;
  readonly callsPerStep: number;
  readonly stepMs: number;
  readonly sha256: string;
  readonly twin?: { readonly backend: string; readonly sha256: string };
}

async function report(...args: string[]): Promise<Report> {
  const { code, stdout, stderr } = await train(["--json", ...args]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Report;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

describe("a run", () => {
  it("learns the digits with the defaults and says what it cost", async () => {
    const run = await report("--backend", "wasm");
    expect(run.correct).toBeGreaterThanOrEqual(351);
    expect(run.tested).toBe(360);
    expect(run.sizes).toEqual([64, 100, 50, 10]);
    expect(run.parameters).toBe(12_360);
    expect(run.steps).toBe(18 * 23);
    expect(run.callsPerStep).toBe(1);
    expect(run.usedBytes).toBe(run.peakBytes);
    expect(run.stepMs).toBeGreaterThan(0);
    expect(sum(run.confusion.map(sum))).toBe(360);
    expect(sum(run.confusion.map((row, label) => row[label] ?? 0))).toBe(run.correct);
    expect(run.twin).toBeUndefined();
    // The same on every machine and engine; it changes only when the numerics do, on purpose.
    expect(run.sha256).toBe(readFileSync(join(ROOT, "test/digits.sha256"), "utf8").trim());
  });

  it("gets at least 350 of 360 with ten seeds out of ten", async () => {
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const correct: number[] = [];
    for (const seed of seeds)
      correct.push((await report("--backend", "wasm", "--seed", `${seed}`)).correct);
    expect(Math.min(...correct), String(correct)).toBeGreaterThanOrEqual(350);
  });

  it("ends with the same weights every time, and with others for another seed", async () => {
    const args = ["--epochs", "2", "--backend", "wasm"];
    const { sha256 } = await report(...args);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect((await report(...args)).sha256).toBe(sha256);
    expect((await report(...args, "--seed", "2")).sha256).not.toBe(sha256);
  });

  it("ends with the same weights in both builds, together or one at a time", async () => {
    const both = await report("--epochs", "1");
    expect(both.backend).toBe("wasm");
    expect(both.twin).toMatchObject({ backend: "ts", sha256: both.sha256 });
    const ts = await report("--epochs", "1", "--backend", "ts");
    expect(ts).toMatchObject({ backend: "ts", sha256: both.sha256, callsPerStep: 1 });
  });

  it("leaves out a last batch of one, from which batch norm cannot learn", async () => {
    const run = await report("--epochs", "1", "--batch", "718", "--backend", "wasm");
    expect(run.plannedSteps).toBe(2);
  });
});

/** Windows knows no SIGINT between processes: the child would just be ended. */
const onPosix = it.skipIf(process.platform === "win32");

describe("the output", () => {
  it("has plain lines when it is no terminal, then the summary and the comparison", async () => {
    const { code, stdout, stderr } = await train(["--epochs", "2"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const epochs = stdout.split("\n").filter((line) => line.startsWith("epoch"));
    expect(epochs).toHaveLength(4);
    for (const [i, line] of epochs.entries())
      expect(line).toMatch(
        new RegExp(
          `^epoch ${(i % 2) + 1}/2: loss \\d\\.\\d{4}, accuracy \\d+\\.\\d %, \\d+ steps/s$`,
        ),
      );
    const control = [...stdout].filter((character) => character < " " && character !== "\n");
    expect(control).toEqual([]);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/^test accuracy {3}\d{3} of 360, \d\d\.\d %$/m);
    expect(stdout).toMatch(/^actual {3}0 {3}1 .* 9\n {5}0( +(\d+|·)){10}$/m);
    expect(stdout).toMatch(/^memory per step ([\d,]+) bytes planned, \1 used$/m);
    expect(stdout).toMatch(/^calls per step {2}1 into WebAssembly$/m);
    expect(stdout).toMatch(/^weights SHA-256 ([0-9a-f]{64})$[\s\S]*^weights SHA-256 \1$/m);
    expect(stdout).toMatch(/^same weights {4}yes, bit for bit$/m);
    expect(stdout).toMatch(/^speed {11}WebAssembly \d+\.\d times as fast: /m);
  });

  onPosix("ends with the summary on Ctrl-C", async () => {
    const { code, stdout, stderr } = await train(["--epochs", "5000"], /^epoch +2\//m);
    expect(stderr).toBe("");
    expect(code).toBe(130);
    expect(stdout).toMatch(/^test accuracy {3}\d+ of 360, /m);
    expect(stdout).toMatch(/^weights SHA-256 [0-9a-f]{64}$/m);
    expect(stdout).toMatch(/\n\ninterrupted after [\d,]+ of 115,000 steps\n$/);
    expect(stdout).not.toContain("TypeScript");
  });

  onPosix("keeps the summary when the comparison is interrupted", async () => {
    const { code, stdout } = await train([], /^the same in pure TypeScript\nepoch/m);
    expect(code).toBe(130);
    expect(stdout.match(/^weights SHA-256/gm)).toHaveLength(1);
    expect(stdout).not.toContain("same weights");
    expect(stdout).toMatch(/\n\ninterrupted after \d+ of 414 steps\n$/);
  });

  it("writes a page of the run where it is told to, and none when told so", async () => {
    const folder = mkdtempSync(join(tmpdir(), "chainrule-page-"));
    try {
      const file = join(folder, "pages", "run.html");
      const args = ["--epochs", "2", "--backend", "wasm"];
      const told = await train([...args, "--report", file]);
      expect(told.stdout).toMatch(/^report: .*run\.html$/m);
      const page = readFileSync(file, "utf8");
      const [hash] = /[0-9a-f]{64}/.exec(told.stdout) ?? [];
      for (const text of [hash, " of 360", "crossEntropy", "Gradient norms"])
        expect(page).toContain(text);
      const silent = await train([...args, "--no-report"]);
      expect(silent.stdout).not.toContain("report:");
      expect(/[0-9a-f]{64}/.exec(silent.stdout)?.[0]).toBe(hash);
      const refused = await train([...args, "--report", join(file, "below.html")]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/^train: .*below\.html: [^\n]*\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("explains itself", async () => {
    const { code, stdout } = await train(["--help"]);
    expect(code).toBe(0);
    for (const option of "data layers epochs batch lr seed backend compare report no-report json version".split(
      " ",
    ))
      expect(stdout).toContain(`--${option}`);
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect((await train(["--version"])).stdout).toBe(`${version}\n`);
  });
});

/** An IDX file of bytes. */
function idx(shape: readonly number[], data: ArrayLike<number>): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([header, Uint8Array.from(data)]);
}

describe("a data set of one's own", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "chainrule-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const small = {
    [IMAGES]: idx([6, 1, 2], [0, 9, 250, 8, 4, 255, 1, 2, 240, 10, 20, 235]),
    [LABELS]: idx([6], [0, 1, 2, 0, 1, 2]),
    [TEST_IMAGES]: idx([2, 1, 2], [3, 4, 251, 6]),
    [TEST_LABELS]: idx([2], [0, 1]),
  };

  /** The small set, with some files replaced or, where undefined, left out. */
  function written(name: string, changes: Record<string, Buffer | undefined> = {}): string {
    const path = mkdtempSync(join(folder, `${name}-`));
    for (const [file, bytes] of Object.entries({ ...small, ...changes }))
      if (bytes) writeFileSync(join(path, file), bytes);
    return path;
  }

  it("takes inputs and classes from the files, gzipped or not, and runs one build", async () => {
    const data = written("good", {
      [IMAGES]: undefined,
      [`${IMAGES}.gz`]: gzipSync(small[IMAGES]),
    });
    const args = ["--data", data, "--layers", "5", "--batch", "3", "--epochs", "1"];
    const run = await report(...args);
    expect(run.sizes).toEqual([2, 5, 3]);
    expect(run.steps).toBe(2);
    expect(run.twin).toBeUndefined();
    expect((await report(...args, "--compare")).twin?.sha256).toBe(run.sha256);
  });

  const refused: [string, Record<string, Buffer | undefined>, string][] = [
    [
      "a missing file",
      { [LABELS]: undefined },
      `file is missing: got no ${LABELS} in DATA, expected it, or ${LABELS}.gz`,
    ],
    [
      "a truncated file",
      { [IMAGES]: small[IMAGES].subarray(0, 20) },
      `${IMAGES}: file is truncated: got 20 bytes, expected 28`,
    ],
    [
      "a file that is something else",
      { [TEST_LABELS]: Buffer.from("<html></html>") },
      `${TEST_LABELS}: not an IDX file: got 0x3c 0x68, expected 0x00 0x00`,
    ],
    [
      "labels in the place of images",
      { [IMAGES]: small[LABELS] },
      `${IMAGES}: wrong content: got Uint8Array [6], expected Uint8Array [count, rows, columns]`,
    ],
    [
      "fewer labels than images",
      { [LABELS]: idx([5], [0, 1, 2, 0, 1]) },
      `${LABELS}: counts differ: got 6 images and 5 labels, expected as many labels as images`,
    ],
    [
      "a test label that training has never seen",
      { [TEST_LABELS]: idx([2], [0, 3]) },
      `${TEST_LABELS}: label 3 at 1 is out of range: expected 0 ≤ label < 3`,
    ],
    [
      "test images of another size",
      { [TEST_IMAGES]: idx([2, 2, 2], new Uint8Array(8)) },
      "images differ in size: got 2x2 for testing, expected 1x2",
    ],
    [
      "a single image",
      { [IMAGES]: idx([1, 1, 2], [1, 2]), [LABELS]: idx([1], [2]) },
      "too few images: got 1 for training and 2 for testing, expected at least 2 and 1",
    ],
  ];
  it.each(refused)("refuses %s", async (name, changes, message) => {
    const data = written(name.replaceAll(" ", "-"), changes);
    const outcome = await train(["--data", data]);
    expect(outcome).toEqual({
      code: 1,
      stdout: "",
      stderr: `train: ${message.replace("DATA", data)}\n`,
    });
  });
});

describe("bad arguments", () => {
  const refused: [string, string][] = [
    ["--data nowhere", "data folder is missing: got nowhere, expected a folder with MNIST's files"],
    ["--epochs 0", "bad --epochs: got 0, expected an integer ≥ 1"],
    ["--epochs 1.5", "bad --epochs: got 1.5, expected an integer ≥ 1"],
    ["--batch 1", "bad --batch: got 1, expected an integer ≥ 2"],
    ["--lr nan", "bad --lr: got nan, expected a number > 0"],
    ["--lr -1", "bad --lr: got -1, expected a number > 0"],
    ["--seed x", "bad --seed: got x, expected an integer ≥ 0"],
    ["--layers 12,x", "bad --layers: got 12,x, expected integers ≥ 1 as in 128,64"],
    ["--backend gpu", "unknown --backend: got gpu, expected wasm or ts"],
    [
      "--compare --backend ts",
      "--compare runs both builds: got --backend ts, expected no --backend",
    ],
    ["--epoch 3", "unknown option '--epoch' (Did you mean --epochs?); see --help"],
    ["digits", "too many arguments. Expected 0 arguments but got 1; see --help"],
  ];
  it.each(refused)("%s", async (args, message) => {
    expect(await train(args.split(" "))).toEqual({
      code: 1,
      stdout: "",
      stderr: `train: ${message}\n`,
    });
  });

  it("a rate at which the loss overflows", async () => {
    const { code, stderr } = await train(["--lr", "1e39", "--backend", "wasm"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^train: loss is not finite: got \S+ in step \d+, expected a number; lower --lr\n$/,
    );
  });
});
