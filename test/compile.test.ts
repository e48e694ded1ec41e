/**
 * Compiled functions: when they trace, what varies between calls, what they refuse, what is merged.
 */
import { describe, expect, test } from "vitest";
import {
  assign,
  type Compiled,
  compile,
  div,
  full,
  grad,
  parameter,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import { BatchNorm1d } from "../src/nn/index.js";
import * as random from "../src/random.js";

const x2 = tensor([1, 2]);
const arrays = (values: readonly Tensor[]): unknown[] => values.map((value) => value.toArray());

type Counted<R> = Pick<Compiled<Tensor[], R>, "trace"> & ((...args: unknown[]) => R);

/** A compiled function that counts its traces. */
function counted<R>(fn: (...args: Tensor[]) => R): { step: Counted<R>; count: { traces: number } } {
  const count = { traces: 0 };
  const step = compile((...args: Tensor[]) => {
    count.traces++;
    return fn(...args);
  });
  return { step: step as Counted<R>, count };
}

describe("one trace for each key", () => {
  const p = parameter([1]);
  const q = parameter([1]);
  const labels = tensor([1, 2], { dtype: "i32" });
  test.each<[string, number, unknown[][]]>([
    ["other values", 1, [[x2], [tensor([3, 4])], [x2.add(1)]]],
    ["other numbers", 1, [[1], [2], [Number.NaN], [tensor(3)]]],
    ["shapes", 2, [[x2], [tensor([[1, 2]])], [x2]]],
    ["dtypes", 2, [[x2], [labels], [x2]]],
    ["how many", 2, [[x2], [x2, x2]]],
    ["arrays and objects", 3, [[[x2]], [{ a: x2 }], [{ b: x2 }]]],
    ["empty arrays and objects", 4, [[x2, []], [x2, {}], [x2, [[]]], [x2]]],
    ["keys that look like paths", 3, [[{ "a.b": x2 }], [{ a: { b: x2 } }], [{ "a[0]": x2 }]]],
    ["static values", 5, [["a"], ["b"], [true], [null], [undefined], ["a"]]],
    ["parameters", 2, [[p], [q], [p]]],
  ])("%s: %i", (_, traces, calls) => {
    const { step, count } = counted((...args) => args);
    for (const args of calls) step(...args);
    expect(count.traces).toBe(traces);
  });

  test("training flags: each state once", () => {
    const norm = new BatchNorm1d(2);
    const x = tensor(
      [
        [1, 2],
        [3, 5],
      ].flat(),
      { shape: [2, 2] },
    );
    const { step, count } = counted((v) => norm.forward(v as Tensor));
    const trained = step(x).toArray();
    norm.eval();
    expect(step(x).toArray()).not.toEqual(trained);
    norm.train();
    expect(step(x).toArray()).toEqual(trained);
    norm.eval();
    step(x);
    expect(count.traces).toBe(2);
  });

  test("the 16 latest programs are kept", () => {
    const { step, count } = counted((x) => x?.sum());
    for (let n = 1; n <= 17; n++) expect(step(full([n], 1))?.item()).toBe(n);
    for (let n = 17; n >= 2; n--) step(full([n], 1));
    expect(count.traces).toBe(17);
    step(full([1], 1));
    expect(count.traces).toBe(18);
  });

  test("a parameter at the address of another is another", () => {
    const { step } = counted((x) => x?.mul(2));
    const first = parameter([1]);
    step(first);
    first[Symbol.dispose]();
    expect(step(parameter([7]))?.item()).toBe(14);
  });

  test("trace: tensors or their shapes, nothing runs", () => {
    const { step, count } = counted((x) => {
      assign(p, x?.sum(1).reshape([1]) as Tensor);
      return x?.mul(2);
    });
    const calls = wasm.calls;
    const { plan, program } = step.trace({ shape: [1, 3] });
    expect(step.trace(full([1, 3], 1)).program).toBe(program);
    expect([wasm.calls - calls, p.item(), plan.peakBytes]).toEqual([0, 1, 28]);
    expect(step(full([1, 3], 1))?.toArray()).toEqual([[2, 2, 2]]);
    expect([p.item(), count.traces]).toEqual([3, 1]);
    const labelled = compile((x: Tensor) => x);
    expect(labelled.trace({ shape: [2], dtype: "i32" }).tape.placeholders[0]?.dtype).toBe("i32");
    labelled(x2);
    expect(labelled.plan.outputs[0]?.dtype).toBe("f32");
    expect(() => labelled.trace({ shape: [-1] })).toThrow(RangeError);
  });
});

describe("what varies", () => {
  test("arguments do, captured numbers and tensors do not", () => {
    let factor = 2;
    let shift = x2.mul(10);
    const calls = wasm.calls;
    const step = compile((x: Tensor, by: Tensor) => x.mul(factor).mul(by).add(shift));
    expect(step(x2, 1).toArray()).toEqual([12, 24]);
    // The captured value, then the step.
    expect(wasm.calls - calls).toBe(2);
    factor = 100;
    shift = x2;
    expect(step(x2, 3).toArray()).toEqual([16, 32]);
    expect(step.callsPerStep).toBe(1);
  });

  test("trees in and out", () => {
    const step = compile((m: { a: Tensor; b: readonly Tensor[] }, name: string) => ({
      sums: [m.a.add(m.b[0] as Tensor), ...m.b],
      again: [m.a, m.a],
      rest: { name, n: 3, nothing: null },
    }));
    const { sums, again, rest } = step({ a: x2, b: [5, tensor([[7]])] }, "n");
    expect(arrays(sums)).toEqual([[6, 7], 5, [[7]]]);
    expect(arrays(again)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(rest).toEqual({ name: "n", n: 3, nothing: null });
  });

  test("functions inside functions: one program", () => {
    const { step: scale, count } = counted((x, by) => x?.mul(by as Tensor) as Tensor);
    const outer = compile((x: Tensor) => grad((y: Tensor) => scale(y.square(), 3).sum())(x));
    expect(outer(x2).toArray()).toEqual([6, 12]);
    expect([outer.callsPerStep, count.traces]).toEqual([1, 1]);
    const loss = compile((x: Tensor) => x.square().sum());
    expect(grad((x: Tensor) => loss(x).mul(2))(x2).toArray()).toEqual([4, 8]);
  });

  test("draws: a sequence that traces do not disturb", () => {
    const take = (lengths: readonly number[], wasted: boolean): unknown[] => {
      random.seed(5);
      const step = compile((x: Tensor) => {
        if (wasted) random.uniform(x.shape);
        return [random.uniform([2]), random.uniform([2])];
      });
      return lengths.map((n) => arrays(step(full([n], 0))));
    };
    const numbers = take([1, 1, 1], false);
    expect(new Set(numbers.flat(2)).size).toBe(12);
    expect(take([1, 2, 1], false)).toEqual(numbers);
    // A draw that nothing uses keeps its ordinal.
    const others = take([1, 2, 1], true) as unknown[][];
    expect(others.map(([first]) => first)).toEqual(
      (numbers as unknown[][]).map(([, second]) => second),
    );
  });

  test("forward and backward drop the same elements", () => {
    const step = compile((x: Tensor) => {
      const seen: Tensor[] = [];
      const dx = grad((u: Tensor) => {
        seen.push(random.dropout(u, 0.5));
        return (seen[0] as Tensor).sum();
      })(x);
      return { y: seen[0] as Tensor, dx };
    });
    const { y, dx } = step(full([50], 3));
    expect(dx.mul(3).toArray()).toEqual(y.toArray());
    expect(new Set(dx.toTypedArray())).toEqual(new Set([0, 2]));
  });
});

describe("refused while tracing", () => {
  const late: Tensor[] = [];
  compile((x: Tensor) => {
    late.push(x.mul(2));
  })(x2);
  const placeholder = late[0] as Tensor;
  const p = parameter([1, 2], { name: "w" });
  const held = p.mul(2);
  const closed =
    "Tensor(f32[2]) belongs to a compiled function that has returned: " +
    "expected a tensor of this call; return it from the function to get its value";
  const unread =
    "Tensor(f32[2]) is read while a function is being compiled: got no value yet, " +
    "expected reading after the call; return the tensor instead";
  const changing =
    "a captured tensor depends on Parameter(w: f32[2]), which changes between runs: " +
    "got it from outside the compiled function, expected it computed inside or read before";
  const promised =
    "the function is async: got a promise, expected a synchronous function; await before calling it";
  test.each<[string, () => unknown, string]>([
    ["toArray", () => compile((x: Tensor) => x.toArray())(x2), unread],
    ["toTypedArray", () => compile((x: Tensor) => x.toTypedArray())(x2), unread],
    ["add", () => placeholder.add(1), closed],
    ["toArray", () => placeholder.toArray(), closed],
    ["compile", () => compile((x: Tensor) => x)(placeholder), closed],
    ["compile", () => compile(() => placeholder)(), closed],
    ["assign", () => assign(p, placeholder), closed],
    ["add", () => compile((x: Tensor) => x.add(held))(x2), changing],
    ["compile", () => compile(() => held)(), changing],
    ["assign", () => compile(() => assign(p, held))(), changing],
    ["compile", () => compile(async (x: Tensor) => (await x).add(1))(x2), promised],
  ])("%s", async (op, call, message) => {
    expect(call).toThrow(new Error(`${op}: ${message}`));
    // What an async function goes on to throw is not reported as well.
    await new Promise((resolve) => setTimeout(resolve));
    expect(p.toArray()).toEqual([1, 2]);
  });

  test("what was read before is a constant", () => {
    const known = p.mul(2);
    known.toArray();
    expect(compile((x: Tensor) => x.add(known))(x2).toArray()).toEqual([3, 6]);
  });

  test("properties before the first call", () => {
    expect(() => compile((x: Tensor) => x).plan).toThrow(
      "compile: plan is not known yet: got a function that was neither called nor traced, " +
        "expected a call or trace(…) first",
    );
  });

  test("a throw leaves everything as it was", () => {
    random.seed(1);
    const q = parameter([1]);
    let broken = true;
    const { step, count } = counted((x) => {
      assign(q, random.uniform([1]).add(x as Tensor));
      if (broken) throw new Error("mine");
      return q;
    });
    const calls = wasm.calls;
    expect(() => step(0)).toThrow(new Error("mine"));
    expect([wasm.calls - calls, random.getState().run, q.item()]).toEqual([0, 0, 1]);
    expect(x2.add(1).toArray()).toEqual([2, 3]);
    broken = false;
    expect(step(0).item()).toBe(q.item());
    expect([count.traces, random.getState().run]).toEqual([2, 1]);
  });
});

describe("what is merged", () => {
  test("the same op on the same operands, once", () => {
    const step = compile((x: Tensor) => [x.exp().add(x.exp()), x.exp().mul(1), x.sum(0), x.sum()]);
    const { plan } = step.trace(x2);
    expect(plan.instructions).toHaveLength(4);
    expect(arrays(step(x2)).at(-1)).toBe(3);
  });

  test("0 and −0 are two constants, NaN is one", () => {
    const step = compile((x: Tensor) => [
      ...[0, -0, Number.NaN].map((zero) => div(x, zero)),
      ...[0, -0].map((zero) => div(x, tensor([zero, Number.NaN]))),
      div(x, Number.NaN),
    ]);
    const inf = Number.POSITIVE_INFINITY;
    const nan = Number.NaN;
    const rows = [
      [inf, inf],
      [-inf, -inf],
      [nan, nan],
      [inf, nan],
      [-inf, nan],
      [nan, nan],
    ];
    expect(arrays(step(x2))).toEqual(rows);
    expect(step.plan.instructions).toHaveLength(5);
  });

  test("values read before are told apart by all outputs of their op", () => {
    // The outputs are equal, while the means that the backward pass reads are 2 and 10.
    const norm = new BatchNorm1d(1);
    const gradient = (reads: boolean): unknown =>
      grad((x: Tensor) => {
        const [a, b] = [norm.forward(x), norm.forward(x.add(8))];
        if (reads) arrays([a, b]);
        return a.mul(b).sum();
      })(tensor([[1], [3]])).toArray();
    expect(gradient(true)).toEqual(gradient(false));
  });
});
