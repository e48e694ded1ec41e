/** Effects of a compiled step: what is committed, when, and what a refusal leaves behind. */
import { afterEach, describe, expect, test } from "vitest";
import { Opcode } from "../assembly/opcodes.js";
import {
  assign,
  compile,
  gradients,
  init,
  type Parameter,
  parameter,
  stopGradient,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import { BatchNorm1d, crossEntropy, Dropout, Linear, Sequential } from "../src/nn/index.js";
import { Adam, type AdamHyper, type Group, type Optimizer, SGD } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";

afterEach(() => init({ backend: wasm }));

const ints = (...values: number[]): Tensor => tensor(values, { dtype: "i32" });
const flat = (tensors: readonly Tensor[]): number[][] => tensors.map((t) => [...t.toTypedArray()]);
const matrix = (...data: number[]): Parameter => parameter(data, { shape: [2, 2] });

describe.each([wasm, ts])("assignments in $name", (backend) => {
  /** A step on s = [1 2; 3 4] and t = [5 6; 7 8], what it leaves in them, what it returns. */
  type Row = [string, (s: Parameter, t: Parameter) => readonly Tensor[], number[][], number[][]];
  const [one, two] = [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ] as const;
  const rows: Row[] = [
    ["a swap", swap, [[...two], [...one]], [[...two], [...one]]],
    ["a swap of other shapes", swapReshaped, [[...two], [...one]], []],
    [
      "the last of two",
      lastOfTwo,
      [[20, 30, 40, 50], [...two]],
      [
        [2, 3, 4, 5],
        [20, 30, 40, 50],
      ],
    ],
    ["old and new", oldAndNew, [[2, 3, 4, 5], [...two]], [[...one], [2, 3, 4, 5], [2, 3, 4, 5]]],
    [
      "one value in both",
      oneInBoth,
      [
        [5, 12, 21, 32],
        [5, 12, 21, 32],
      ],
      [[5, 12, 21, 32]],
    ],
    [
      "a transpose and a product",
      ownTranspose,
      [
        [1, 3, 2, 4],
        [67, 78, 91, 106],
      ],
      [],
    ],
    ["itself", itself, [[...one], [...two]], []],
    ["a copy before an update", copyBefore, [[-1, -2, -3, -4], [...one]], []],
    [
      "an average after an update",
      averageAfter,
      [
        [-1, -2, -3, -4],
        [4, 4, 4, 4],
      ],
      [],
    ],
    ["a constant", constant, [[9, 9, 9, 9], [...two]], []],
  ];
  function swap(s: Parameter, t: Parameter) {
    const old = stopGradient(s);
    return [assign(s, t), assign(t, old)];
  }
  function swapReshaped(s: Parameter, t: Parameter) {
    const [u, v] = [s.reshape([4]), t.reshape([4])];
    assign(s, v.reshape([2, 2]));
    assign(t, u.reshape([2, 2]));
    return [];
  }
  function lastOfTwo(s: Parameter) {
    const first = assign(s, s.add(1));
    return [first, assign(s, s.mul(10))];
  }
  function oldAndNew(s: Parameter) {
    const old = stopGradient(s);
    return [old, assign(s, s.add(1)), s];
  }
  function oneInBoth(s: Parameter, t: Parameter) {
    return [assign(t, assign(s, s.mul(t)))];
  }
  function ownTranspose(s: Parameter, t: Parameter) {
    assign(s, s.transpose());
    assign(t, t.matmul(t).relu());
    return [];
  }
  function itself(s: Parameter, t: Parameter) {
    assign(s, s);
    assign(t, t.reshape([4]).reshape([2, 2]));
    return [];
  }
  function copyBefore(s: Parameter, t: Parameter) {
    assign(t, stopGradient(s));
    new SGD([s], { lr: 1 }).minimize(s.square().sum());
    return [];
  }
  function averageAfter(s: Parameter, t: Parameter) {
    new SGD([s], { lr: 1 }).minimize(s.square().sum());
    assign(t, s.add(t));
    return [];
  }
  function constant(s: Parameter) {
    assign(
      s,
      tensor([
        [9, 9],
        [9, 9],
      ]),
    );
    return [];
  }
  test.each(rows)("%s", (_, step, left, returned) => {
    init({ backend });
    const [s, t] = [matrix(...one), matrix(...two)];
    expect(flat(compile(() => step(s, t))())).toEqual(returned);
    expect(flat([s, t])).toEqual(left);
  });

  test("the program runs where the assigned parameter lives", () => {
    init({ backend });
    const p = parameter([0, 0, 0]);
    init({ backend: backend === wasm ? ts : wasm });
    compile((x: Tensor) => void assign(p, x.mul(2)))(tensor([1, 2, 3]));
    expect(p.toArray()).toEqual([2, 4, 6]);
    const q = parameter([0, 0, 0]);
    expect(() => compile((x: Tensor) => void [assign(p, x), assign(q, x)])(p.mul(1))).toThrow(
      TypeError,
    );
  });
});

describe("where a value is committed", () => {
  const s = matrix(1, 2, 3, 4);
  test.each<[string, () => unknown, Opcode[]]>([
    ["in place", () => void assign(s, s.add(1).neg()), [Opcode.Add, Opcode.Neg]],
    ["in place, and returned", () => assign(s, s.neg()), [Opcode.Neg]],
    ["after a copy of the old one", oldReturned, [Opcode.Copy, Opcode.Neg]],
    ["by a copy: not elementwise", () => assign(s, s.matmul(s)), [Opcode.Gemm, Opcode.Copy]],
    ["by a copy: read later", readLater, [Opcode.Neg, Opcode.Exp, Opcode.Copy]],
    ["after what may refuse", refusingLater, [Opcode.SoftmaxCrossEntropyForward, Opcode.Neg]],
  ])("%s", (_, fn, opcodes) => {
    const { instructions } = compile(fn).trace().plan;
    expect(instructions.map(({ opcode }) => opcode)).toEqual(opcodes);
    expect(instructions.at(-1)?.writes.map((value) => value.parameter)).toContain(s);
  });
  function oldReturned(): Tensor {
    const old = stopGradient(s);
    assign(s, s.neg());
    return old;
  }
  function readLater(): Tensor[] {
    const old = stopGradient(s);
    return [assign(s, s.neg()), old.exp()];
  }
  function refusingLater(): Tensor {
    assign(s, s.neg());
    return crossEntropy(tensor([[1, 2]]), ints(0), { reduction: "none" });
  }
});

describe("refusal", () => {
  const build = () => {
    random.seed(3);
    const layers = [new Linear(3, 4), new BatchNorm1d(4), new Dropout(0.5), new Linear(4, 2)];
    const model = new Sequential(...layers);
    const optimizer = new Adam(model.parameters(), { lr: 0.1, weightDecay: 0.01 });
    const step = compile((x: Tensor, labels: Tensor) => {
      const loss = crossEntropy(model.forward(x), labels);
      optimizer.minimize(loss);
      return loss;
    });
    const state = () => [model.stateDict(), optimizer.stateDict(), random.getState()];
    return { optimizer, step, state };
  };
  const x = tensor([1, 2, 3, 4, 5, 6, 7, 8, 0], { shape: [3, 3] });
  const good = ints(0, 1, 0);

  test.each([wasm, ts])("a bad label commits nothing in $name, the next call works", (backend) => {
    init({ backend });
    const { step, state } = build();
    const twin = build();
    const losses = [step(x, good).item()];
    const before = state();
    expect(() => step(x, ints(0, 1, 2))).toThrow(
      new RangeError("crossEntropy: label 2 at row 2 is out of range: expected 0 ≤ label < 2"),
    );
    expect(state()).toEqual(before);
    // The twin never saw the bad label.
    random.setState({ seed: [0, 3], run: random.getState().run });
    losses.push(step(x, good).item());
    random.setState({ seed: [0, 3], run: random.getState().run - 2 });
    expect([twin.step(x, good).item(), twin.step(x, good).item()]).toEqual(losses);
  });

  test.each(["lr", "weightDecay", "eps"] as const)("a %s of NaN commits nothing", (name) => {
    const { optimizer, step, state } = build();
    step(x, good);
    const before = state();
    const group = optimizer.groups[0] as Group<AdamHyper>;
    const rate = group[name];
    const calls = wasm.calls;
    for (const wrong of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      group[name] = wrong;
      expect(() => step(x, good)).toThrow(`Adam: bad ${name}: got ${wrong}, expected a finite`);
    }
    group[name] = rate;
    expect([state(), wasm.calls]).toEqual([before, calls]);
    expect(step(x, good).item()).toBeGreaterThan(0);
  });

  test("a value that is returned and assigned is not committed before a later refusal", () => {
    const p = parameter([1, 2]);
    const step = compile((labels: Tensor) => [
      assign(p, p.neg()),
      crossEntropy(tensor([[1, 2]]), labels),
    ]);
    expect(() => step(ints(2))).toThrow(RangeError);
    expect(p.toArray()).toEqual([1, 2]);
    step(ints(1));
    expect(p.toArray()).toEqual([-1, -2]);
  });

  test("a disposed parameter throws before the run", () => {
    const [p, q] = [parameter([1]), parameter([2])];
    const step = compile((v: Tensor) => void [assign(p, v), assign(q, v)]);
    step(tensor([3]));
    p[Symbol.dispose]();
    expect(() => step(tensor([4]))).toThrow(
      new Error("Parameter(f32[1]): the parameter was disposed: expected one that is alive"),
    );
    expect(q.item()).toBe(3);
  });
});

describe("several updates in one step", () => {
  const makers: [string, (parameters: Parameter[]) => Optimizer][] = [
    ["SGD", (p) => new SGD(p, { lr: 0.1 })],
    ["SGD with momentum", (p) => new SGD(p, { lr: 0.1, momentum: 0.9 })],
    ["Adam", (p) => new Adam(p, { lr: 0.1 })],
  ];
  const losses = (p: Tensor): [Tensor, Tensor] => [p.square().sum(), p.sub(3).square().sum()];
  test.each(makers)("%s, twice, as one after the other outside", (_, make) => {
    const run = (compiled: boolean): unknown => {
      const p = parameter([1, -2]);
      const optimizer = make([p]);
      const body = (): void => {
        for (const which of [0, 1] as const) optimizer.minimize(losses(p)[which]);
      };
      const step = compiled ? compile(body) : body;
      for (let k = 0; k < 3; k++) step();
      return [p.toArray(), optimizer.stateDict()];
    };
    expect(run(true)).toEqual(run(false));
  });

  test("a loss sees the value of its time", () => {
    const run = (early: boolean): unknown => {
      const p = parameter([1]);
      const [a, b] = [new SGD([p], { lr: 0.25 }), new SGD([p], { lr: 0.5 })];
      return compile(() => {
        const first = p.square().sum();
        const before = p.mul(4).square().sum();
        a.minimize(first);
        const after = p.mul(4).square().sum();
        b.minimize(early ? before : after);
        return [before, after, p];
      })().map((value) => value.toTypedArray()[0]);
    };
    // p = 1 → ½ → ½ − ½·32·p, where p is the one that the second loss was made of.
    expect(run(true)).toEqual([16, 4, -15.5]);
    expect(run(false)).toEqual([16, 4, -7.5]);
  });

  test("a parameter that the loss does not reach is skipped whole", () => {
    const [p, q] = [parameter([1]), parameter([2])];
    const optimizer = new SGD([p, q], { lr: 0.5, momentum: 0.9, weightDecay: 0.5 });
    const found = compile(() => {
      optimizer.minimize(p.add(stopGradient(q)).sum());
      return gradients(p.sum(), [q]);
    })();
    expect([found, p.item(), q.item()]).toEqual([[undefined], 0.25, 2]);
    expect(Object.keys(optimizer.stateDict()).some((key) => key.startsWith("state.1"))).toBe(false);
  });
});
