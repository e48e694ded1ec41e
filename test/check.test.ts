/** The checks that users run on their own functions. */
import { afterEach, describe, expect, test } from "vitest";
import { Opcode } from "../assembly/opcodes.js";
import {
  add,
  compare,
  compile,
  exp,
  grad,
  gradCheck,
  init,
  log,
  matmul,
  max,
  mul,
  parameter,
  relu,
  sigmoid,
  sqrt,
  sub,
  sum,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import { BatchNorm1d, crossEntropy, Linear } from "../src/nn/index.js";
import { SGD } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";
import { type Op, record1 } from "../src/tape.js";

afterEach(() => init({ backend: wasm }));

/** x², with a derivative that is wrong where x > 1. */
const wrongSquare: Op<null> = {
  name: "wrongSquare",
  infer: ([x]) => [x as Tensor],
  vjp: [(dy, { inputs: [x] }) => mul(dy, sub(mul(x as Tensor, 2), relu(sub(x as Tensor, 1))))],
  jvp: [(xDot, { inputs: [x] }) => mul(xDot, mul(x as Tensor, 2))],
  lower(node, to) {
    const x = to.input(node, 0);
    to.emit(Opcode.Mul, [to.output(node)], [x, x, 1, x.size, 0, 1, 0, 1]);
  },
};

describe("gradCheck", () => {
  test("checks every entry in both modes, whatever the backend", () => {
    const w = parameter([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const captured = tensor(w.toArray());
    for (const backend of [wasm, ts]) {
      init({ backend });
      const report = gradCheck(
        (x: Tensor) => sigmoid(matmul(x, backend === wasm ? w : captured)),
        tensor([[0.1, 0.2, 0.3]]),
      );
      expect(report).toMatchObject({ passed: true, entries: 6, kinks: [], tolerance: 1e-6 });
      expect(Math.max(report.forward, report.reverse)).toBeLessThan(1e-9);
      expect(report.worst?.input).toMatch(/^x\[0, \d\]$/);
    }
  });

  test("names the worst entry of a wrong derivative, and the mode", () => {
    const f = (x: Tensor): Tensor => record1(wrongSquare, [x], null);
    const report = gradCheck(({ a }: { a: Tensor }) => ({ y: f(a) }), { a: tensor([0.5, 3, 2]) });
    expect(report.passed).toBe(false);
    expect(report.worst).toMatchObject({
      input: "x.a[1]",
      output: "f(x).y[1]",
      reverse: 4,
      forward: 6,
    });
    expect(report.forward).toBeLessThan(1e-9);
    expect(report.reverse).toBeCloseTo(1 / 3, 6);
    expect(String(report)).toContain("worst: ∂f(x).y[1]/∂x.a[1]: reverse 4, forward 6, numeric 6");
  });

  test.each<[string, (x: Tensor) => Tensor, number[], string[]]>([
    ["relu at 0", relu, [0, 1, -1], ["x[0]"]],
    ["relu beside 0", relu, [1e-4, -1e-4], []],
    ["ties of max", (x) => max(x), [2, 2, 1], []],
  ])("recognises kinks: %s", (_, f, x, kinks) => {
    const report = gradCheck(f, tensor(x));
    expect(report.passed).toBe(true);
    expect(report.kinks.map(({ input }) => input)).toEqual(kinks);
  });

  test("a derivative outside the slopes of a kink is wrong", () => {
    const f = (x: Tensor): Tensor => record1(wrongSquare, [relu(x)], null).add(relu(x));
    expect(gradCheck(f, tensor([0])).passed).toBe(true);
    const steep = {
      ...wrongSquare,
      vjp: [(dy: Tensor) => mul(dy, 3)],
      jvp: [(t: Tensor) => mul(t, 3)],
    };
    const report = gradCheck((x: Tensor) => record1(steep, [x], null).add(relu(x)), tensor([0]));
    expect(report.passed).toBe(false);
    expect(report.worst).toMatchObject({ reverse: 3, forward: 3 });
  });

  test("changes nothing: statistics, parameters, the random stream", () => {
    const model = new BatchNorm1d(3);
    const dense = new Linear(3, 2);
    const before = dense.weight.toArray();
    random.seed(3);
    const state = random.getState();
    const optimizer = new SGD(dense.parameters(), { lr: 1 });
    const labels = tensor([0, 1, 1], { dtype: "i32" });
    const report = gradCheck(
      (x: Tensor) => {
        const loss = crossEntropy(dense.forward(random.dropout(model.forward(x), 0.5)), labels);
        optimizer.minimize(sum(dense.forward(tensor([[1, 2, 3]]))));
        return loss;
      },
      tensor([
        [1, 2, 3],
        [2, 0, 1],
        [0.5, 4, 1],
      ]),
    );
    expect(report.passed).toBe(true);
    expect(model.numBatchesTracked?.item()).toBe(0);
    expect(dense.weight.toArray()).toEqual(before);
    expect(random.getState()).toEqual(state);
  });

  test("gradients, compiled functions and nothing at all can be checked", () => {
    const second = gradCheck(
      grad((x: Tensor) => sum(exp(x))),
      tensor([0.3, 1]),
    );
    expect(second).toMatchObject({ passed: true, entries: 4 });
    expect(
      gradCheck(
        compile((x: Tensor) => mul(x, x)),
        tensor([2]),
      ).passed,
    ).toBe(true);
    expect(gradCheck((x: Tensor) => mul(x, x), tensor([]))).toMatchObject({
      passed: true,
      entries: 0,
    });
  });

  test("bad input", () => {
    const f = (x: Tensor): Tensor => x;
    expect(() => gradCheck(f, tensor([1], { dtype: "i32" }))).toThrow(
      "gradCheck: integers have no derivative: got Tensor(i32[1]), expected f32 or f64; close over it instead of passing it",
    );
    expect(() => gradCheck(f, tensor([1]), { tolerance: 0 })).toThrow(
      "gradCheck: bad tolerance: got 0, expected a positive number",
    );
    expect(() => gradCheck(() => 3 as unknown as Tensor, tensor([1]))).toThrow(TypeError);
    expect(sqrt(tensor([4])).item()).toBe(2);
  });
});

describe("compare", () => {
  test("passes what f32 can do", () => {
    const report = compare(
      grad((x: Tensor) => crossEntropy(x, tensor([0, 2], { dtype: "i32" }))),
      tensor([
        [1, 2, 3],
        [0.1, 0.3, 0.2],
      ]),
    );
    expect(report.passed).toBe(true);
    expect(report.first).toBeUndefined();
    expect(report.ops.map(({ op }) => op)).toContain("crossEntropyBackward");
    expect(String(report)).toBe(
      `compare: passed: ${report.ops.length} results within their bounds`,
    );
  });

  test.each<[string, (x: Tensor) => Tensor, number[], string]>([
    ["an overflow", (x) => log(exp(mul(x, 1))), [1, 100], "exp"],
    ["a cancellation", (x) => mul(sub(add(x, 1e6), 1e6), 3), [1, 0.3], "sub"],
  ])("names the first op of %s", (_, f, x, op) => {
    const report = compare(f, tensor(x));
    expect(report.passed).toBe(false);
    expect(report.first?.op).toBe(op);
    expect(String(report)).toMatch(
      new RegExp(
        `^compare: op \\d, ${op} \\[2\\], is the first to leave its bound: got .* expected`,
      ),
    );
  });

  test("bad input", () => {
    expect(() => compare((x: Tensor) => x, tensor([1]), { tolerance: -1 })).toThrow(
      "compare: bad tolerance: got -1, expected a positive number",
    );
  });
});
