import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import { type Block, bits, type Instruction, onBoth, onDouble } from "./harness.js";
import { expectClose, numbers } from "./values.js";

const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 11, 16, 100, 1023];

interface Update {
  readonly name: string;
  readonly opcode: Opcode;
  /** Buffers that are updated, p first; the gradient comes after them, then hyper. */
  readonly state: number;
  readonly hyper: readonly number[];
  readonly flag?: number;
  /** New values of the state, from p, the gradient, the rest of the state and hyper, in f64. */
  readonly formula: (p: number, g: number, state: number[], h: readonly number[]) => number[];
}

function sgdFormula(p: number, g: number, _state: number[], h: readonly number[]): number[] {
  const [lr = 0, , decay = 0] = h;
  return [p - lr * (decay === 0 ? g : g + decay * p)];
}

function momentumFormula(nesterov: boolean): Update["formula"] {
  return (p, g, [buffer = 0], [lr = 0, momentum = 0, decay = 0]) => {
    const d = decay === 0 ? g : g + decay * p;
    const next = momentum * buffer + d;
    return [p - lr * (nesterov ? d + momentum * next : next), next];
  };
}

function adamFormula(decoupled: boolean): Update["formula"] {
  return (p, g, [first = 0, second = 0], h) => {
    const [b1 = 0, r1 = 0, b2 = 0, r2 = 0, eps = 0, size = 0, root = 0, decay = 0, keep = 0] = h;
    const d = decoupled || decay === 0 ? g : g + decay * p;
    const q = decoupled && decay !== 0 ? p * keep : p;
    const m1 = b1 * first + r1 * d;
    const m2 = b2 * second + r2 * d * d;
    return [q - size * (m1 / (Math.sqrt(m2) / root + eps)), m1, m2];
  };
}

/** Exact in f32, so that the f64 twin and the formula read the same scalars. */
function adamHyper(step: number, decay: number): readonly number[] {
  const f = Math.fround;
  return [
    f(0.9),
    f(1 - 0.9),
    f(0.999),
    f(1 - 0.999),
    f(1e-8),
    f(0.01 / (1 - 0.9 ** step)),
    f(Math.sqrt(1 - 0.999 ** step)),
    f(decay),
    f(1 - 0.01 * decay),
  ];
}

const f = Math.fround;
const { Sgd, SgdMomentum, Adam } = {
  Sgd: Opcode.Sgd,
  SgdMomentum: Opcode.SgdMomentum,
  Adam: Opcode.Adam,
};
const sgdHyper = [f(0.1), 0, 0];
const decayHyper = [f(0.1), 0, f(0.01)];
const momentumHyper = [f(0.1), f(0.9), 0];
const bothHyper = [f(0.1), f(0.9), f(0.01)];

const UPDATES: readonly Update[] = [
  { name: "sgd", opcode: Sgd, state: 1, hyper: sgdHyper, formula: sgdFormula },
  { name: "sgd, decay", opcode: Sgd, state: 1, hyper: decayHyper, formula: sgdFormula },
  {
    name: "momentum",
    opcode: SgdMomentum,
    state: 2,
    hyper: momentumHyper,
    flag: 0,
    formula: momentumFormula(false),
  },
  {
    name: "momentum, decay",
    opcode: SgdMomentum,
    state: 2,
    hyper: bothHyper,
    flag: 0,
    formula: momentumFormula(false),
  },
  {
    name: "nesterov",
    opcode: SgdMomentum,
    state: 2,
    hyper: momentumHyper,
    flag: 1,
    formula: momentumFormula(true),
  },
  {
    name: "nesterov, decay",
    opcode: SgdMomentum,
    state: 2,
    hyper: bothHyper,
    flag: 1,
    formula: momentumFormula(true),
  },
  {
    name: "adam, step 1",
    opcode: Adam,
    state: 3,
    hyper: adamHyper(1, 0),
    flag: 0,
    formula: adamFormula(false),
  },
  {
    name: "adam, decay",
    opcode: Adam,
    state: 3,
    hyper: adamHyper(10, 0.1),
    flag: 0,
    formula: adamFormula(false),
  },
  {
    name: "adamw",
    opcode: Adam,
    state: 3,
    hyper: adamHyper(10, 0.1),
    flag: 1,
    formula: adamFormula(true),
  },
  {
    name: "adamw, no decay",
    opcode: Adam,
    state: 3,
    hyper: adamHyper(1000, 0),
    flag: 1,
    formula: adamFormula(true),
  },
];

/**
 * [outputs…, p, g, rest of the state…, hyper] as buffers, and the instruction that updates them.
 */
function buffersOf(
  update: Update,
  p: Float32Array,
  g: Float32Array,
  rest: readonly Float32Array[],
): Float32Array[] {
  const outputs = Array.from({ length: update.state }, () => new Float32Array(p.length).fill(7));
  return [...outputs, p, g, ...rest, Float32Array.from(update.hyper)];
}

function instruction(
  update: Update,
  n: number,
  inPlace: boolean,
): (...a: number[]) => Instruction[] {
  return (...a) => {
    const s = update.state;
    const inputs = a.slice(s, s + 1 + s);
    const [p = 0, , ...rest] = inputs;
    const outputs = inPlace ? [p, ...rest] : a.slice(0, s);
    const flag = update.flag === undefined ? [] : [update.flag];
    return [[update.opcode, [...outputs, ...inputs, n, a.at(-1) as number, ...flag]]];
  };
}

function stateOf(update: Update, n: number, seed: number): Float32Array[] {
  return Array.from({ length: update.state - 1 }, (_, k) => {
    const values = numbers(n, seed + k);
    return update.opcode === Adam && k === 1 ? values.map(Math.abs) : values;
  });
}

function expected(update: Update, p: Block, g: Block, rest: readonly Block[]): number[][] {
  const columns = Array.from({ length: update.state }, () => [] as number[]);
  for (let i = 0; i < p.length; i++) {
    const state = rest.map((block) => block[i] as number);
    const next = update.formula(p[i] as number, g[i] as number, state, update.hyper);
    for (const [k, column] of columns.entries()) column.push(next[k] as number);
  }
  return columns;
}

describe.each(UPDATES)("$name", (update) => {
  it.each(LENGTHS)("n = %i: the formula, equal bits, in place and not", (n) => {
    const p = numbers(n, 1, 3);
    const g = numbers(n, 2);
    const rest = stateOf(update, n, 3);
    const buffers = buffersOf(update, p, g, rest);
    const apart = onBoth(buffers, instruction(update, n, false));
    const inPlace = onBoth(buffers, instruction(update, n, true));
    const double = onDouble(buffers, instruction(update, n, false));
    expected(update, p, g, rest).forEach((column, k) => {
      const at = k === 0 ? update.state : update.state + 1 + k;
      expectClose(apart.buffers[k] as Block, column, 5e-7);
      expectClose(double.buffers[k] as Block, column, 1e-12);
      expect(bits(inPlace.buffers[at] as Block)).toEqual(bits(apart.buffers[k] as Block));
    });
    for (let k = update.state; k < buffers.length; k++)
      expect(bits(apart.buffers[k] as Block), "inputs are kept").toEqual(bits(buffers[k] as Block));
  });

  it("gives equal bits on every float there is", () => {
    const float = fc.float({ noDefaultInfinity: false });
    const row = fc.array(float, { minLength: 0, maxLength: 21 });
    fc.assert(
      fc.property(row, fc.array(float, { minLength: 9, maxLength: 9 }), (values, hyper) => {
        const p = Float32Array.from(values);
        const g = p.map((v) => v * 0.5 - 1);
        const rest = Array.from({ length: update.state - 1 }, (_, k) =>
          p.map((v) => v * (k - 0.5)),
        );
        const buffers = buffersOf(update, p, g, rest);
        buffers[buffers.length - 1] = Float32Array.from(hyper.slice(0, update.hyper.length));
        onBoth(buffers, instruction(update, p.length, true));
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});

describe.each([0, 1])("momentum of what is least, nesterov %i", (flag) => {
  // 0, −0, the least subnormals of both signs, and what is beyond any bound of the kernel.
  const least = new Float32Array(
    Uint32Array.from({ length: 2200 }, (_, i) => (i >> 1) | (i << 31)).buffer,
  );
  const momentumUpdate = UPDATES.find(({ name }) => name === "momentum");
  it.each([
    [0.01, 0.9],
    [0.1, 0.9],
    [0.125, 0.9],
    [0.9, 0.9],
    [0.001, 0.999],
    [0.0005, 0.9999],
    [0.02, 0.5],
    [0.01, 0],
    [0, 0.9],
    [-0, 0.9],
    [0.01, -0],
    [0.01, 1],
    [0.01, -0.9],
    [-0.01, 0.9],
    [Number.NaN, 0.9],
    [0.01, Number.NaN],
    [Infinity, 0.9],
    [1e-45, 0.99],
  ])("rate %f, momentum %f: equal bits", (rate, momentum) => {
    const update = { ...(momentumUpdate as Update), hyper: [f(rate), f(momentum), 0], flag };
    for (const p of [0, -0, 1, least[3] as number])
      for (const g of [0, -0, least[2] as number]) {
        const [ps, gs] = [least.map(() => p), least.map(() => g)];
        onBoth(buffersOf(update, ps, gs, [least]), instruction(update, least.length, true));
      }
  });
});

describe("parts", () => {
  it.each(UPDATES)("$name: many in one instruction, as many instructions", (update) => {
    const { state, opcode } = update;
    const flag = update.flag === undefined ? [] : [update.flag];
    // Each with hyper-parameters of its own, and the first one updated twice.
    const lengths = [5, 0, 17, 1, 5];
    const buffers = lengths.flatMap((n, k) => {
      const own = { ...update, hyper: update.hyper.map((h) => h / (k + 1)) };
      return buffersOf(own, numbers(n, k, 3), numbers(n, k + 7), stateOf(update, n, k + 3));
    });
    const width = buffers.length / lengths.length;
    const partsAt = (a: readonly number[]) =>
      lengths.map((n, k) => {
        const own = a.slice((k % 4) * width, (k % 4) * width + width);
        const inputs = own.slice(state, 2 * state + 1);
        const outputs = [inputs[0] as number, ...inputs.slice(2)];
        return { outputs, inputs: [...inputs, n, own.at(-1) as number, ...flag] };
      });
    const apart = onBoth(buffers, (...a) =>
      partsAt(a).map(({ outputs, inputs }) => [opcode, [...outputs, ...inputs]]),
    );
    const together = onBoth(buffers, (...a) => {
      const parts = partsAt(a);
      const operands = [
        ...parts.flatMap(({ outputs }) => outputs),
        ...parts.flatMap(({ inputs }) => inputs),
      ];
      return [[opcode, operands]];
    });
    expect(together.buffers.map(bits)).toEqual(apart.buffers.map(bits));
  });
});

describe("weightDecay 0", () => {
  const plain = UPDATES.filter((u) => u.hyper[u.opcode === Adam ? 7 : 2] === 0);
  it.each(plain)("$name: an infinite parameter stays infinite", (update) => {
    const p = Float32Array.of(Infinity, -Infinity, 1, Infinity, -Infinity);
    const g = Float32Array.of(1, 1, 1, -1, 0.5);
    const { buffers } = onBoth(
      buffersOf(update, p, g, stateOf(update, 5, 1)),
      instruction(update, 5, false),
    );
    const out = buffers[0] as Block;
    expect([out[0], out[1], out[3], out[4]]).toEqual([Infinity, -Infinity, Infinity, -Infinity]);
  });
});

describe("adam", () => {
  it("keeps a parameter whose gradients were always 0", () => {
    const update = UPDATES.find((u) => u.name === "adam, step 1") as Update;
    const p = numbers(6, 9);
    const zero = () => new Float32Array(6);
    const { buffers } = onBoth(
      buffersOf(update, p, zero(), [zero(), zero()]),
      instruction(update, 6, false),
    );
    expect(bits(buffers[0] as Block)).toEqual(bits(p));
  });
});
