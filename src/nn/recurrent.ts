import { checkOptions, checkWord } from "../describe.js";
import { zeros } from "../ops/create.js";
import { add, mul, relu, sigmoid, sub, tanh } from "../ops/elementwise.js";
import { concat, split, stack, swapAxes } from "../ops/join.js";
import { linear } from "../ops/matmul.js";
import { parameter } from "../ops/parameter.js";
import { slice } from "../ops/view.js";
import type { Parameter } from "../parameter.js";
import { dropout, uniform } from "../random.js";
import { formatShape, sameShape } from "../shape.js";
import { checkTensors } from "../tape.js";
import type { FloatDtype, Tensor } from "../tensor.js";
import { checkProbability, checkSize } from "./checks.js";
import { Module } from "./module.js";

export interface RecurrentOptions {
  readonly numLayers?: number;
  readonly bias?: boolean;
  /** Whether x is [batch, time, features] or [time, batch, features] (the default, as in PyTorch). */
  readonly batchFirst?: boolean;
  readonly bidirectional?: boolean;
  /** Between layers, in training. */
  readonly dropout?: number;
}

/** One direction of one layer. */
interface Weights {
  readonly input: Parameter;
  readonly hidden: Parameter;
  readonly inputBias: Parameter | undefined;
  readonly hiddenBias: Parameter | undefined;
}

/** Parts of the state after a step, the output first. */
type State = readonly Tensor[];
/** The next state from x·Wᵀ + b of this step, the state, and h·Uᵀ + c. */
type Cell = (fromInput: Tensor, state: State, fromHidden: Tensor) => State;

/** What `forward` gives: outputs of every step, and the last state of every layer and direction. */
export interface Recurrence {
  /** [time, batch, directions · hidden], or batch first. */
  readonly output: Tensor;
  /** [layers · directions, batch, hidden] */
  readonly hidden: Tensor;
}

/**
 * A recurrent network with PyTorch's parameters (`weight_ih_l0`, `weight_hh_l0`, …), unrolled over
 * time on the tape; the products with the inputs of all steps are one. Starts uniform in ±1/√hidden.
 */
abstract class Recurrent extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly batchFirst: boolean;
  readonly directions: 1 | 2;
  readonly dropout: number;
  readonly #name: string;
  readonly #states: number;
  readonly #weights: Weights[] = [];

  constructor(
    name: string,
    gates: number,
    states: number,
    inputSize: number,
    hiddenSize: number,
    options: RecurrentOptions,
  ) {
    super();
    checkOptions(name, options, [
      ...["numLayers", "bias", "batchFirst", "bidirectional", "dropout"],
      ...(name === "RNN" ? ["nonlinearity"] : []),
    ]);
    checkSize(name, "input size", inputSize);
    checkSize(name, "hidden size", hiddenSize);
    this.#name = name;
    this.#states = states;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = options.numLayers ?? 1;
    checkSize(name, "number of layers", this.numLayers);
    this.batchFirst = options.batchFirst ?? false;
    this.directions = options.bidirectional ? 2 : 1;
    this.dropout = checkProbability(name, options.dropout ?? 0);
    const bound = 1 / Math.sqrt(hiddenSize);
    for (let layer = 0; layer < this.numLayers; layer++)
      for (const suffix of ["", "_reverse"].slice(0, this.directions)) {
        const width = layer === 0 ? inputSize : hiddenSize * this.directions;
        const make = (kind: string, ...shape: number[]): Parameter => {
          const key = `${kind}_l${layer}${suffix}`;
          const made = parameter(uniform(shape, { low: -bound, high: bound }), { name: key });
          // Properties are named as PyTorch's keys, which is what the state dictionary shows.
          Object.defineProperty(this, key, { value: made, enumerable: true });
          return made;
        };
        const rows = gates * hiddenSize;
        const bias = options.bias ?? true;
        this.#weights.push({
          input: make("weight_ih", rows, width),
          hidden: make("weight_hh", rows, hiddenSize),
          inputBias: bias ? make("bias_ih", rows) : undefined,
          hiddenBias: bias ? make("bias_hh", rows) : undefined,
        });
      }
  }

  protected abstract cell: Cell;

  /** Runs over x [time, batch, features] from `initial` states [layers · directions, batch, hidden]. */
  protected recur(x: Tensor, initial: readonly Tensor[]): { output: Tensor; last: Tensor[] } {
    checkTensors(this.#name, x, ...initial);
    if (x.rank !== 3 || x.shape[2] !== this.inputSize)
      throw new RangeError(
        `${this.#name}: input does not fit: got ${formatShape(x.shape)}, expected ${this.batchFirst ? "[batch, time" : "[time, batch"}, ${this.inputSize}]`,
      );
    let layerInput = this.batchFirst ? swapAxes(x, 0, 1) : x;
    const [steps, batch] = layerInput.shape as [number, number];
    if (steps === 0)
      throw new RangeError(
        `${this.#name}: no steps: got ${formatShape(x.shape)}, expected at least one`,
      );
    const shape = [this.#weights.length, batch, this.hiddenSize];
    for (const state of initial)
      if (!sameShape(state.shape, shape))
        throw new RangeError(
          `${this.#name}: initial state does not fit: got ${formatShape(state.shape)}, expected ${formatShape(shape)}`,
        );
    const finals: State[] = [];
    for (let layer = 0; layer < this.numLayers; layer++) {
      const outputs: Tensor[] = [];
      for (let direction = 0; direction < this.directions; direction++) {
        const index = layer * this.directions + direction;
        const start = Array.from({ length: this.#states }, (_, part) =>
          initial[part]
            ? slice(initial[part], [index])
            : zeros([batch, this.hiddenSize], { dtype: x.dtype as FloatDtype }),
        );
        const { sequence, last } = this.#run(layerInput, index, direction === 1, start);
        outputs.push(sequence);
        finals.push(last);
      }
      layerInput = concat(outputs, 2);
      if (this.dropout > 0 && layer < this.numLayers - 1 && this.isTraining())
        layerInput = dropout(layerInput, this.dropout);
    }
    const last = Array.from({ length: this.#states }, (_, part) =>
      stack(finals.map((state) => state[part] as Tensor)),
    );
    return { output: this.batchFirst ? swapAxes(layerInput, 0, 1) : layerInput, last };
  }

  #run(
    x: Tensor,
    index: number,
    backwards: boolean,
    start: State,
  ): { sequence: Tensor; last: State } {
    const { input, hidden, inputBias, hiddenBias } = this.#weights[index] as Weights;
    const steps = x.shape[0] as number;
    const fromInputs = linear(x, input, inputBias);
    const outputs: Tensor[] = [];
    let state = start;
    for (let k = 0; k < steps; k++) {
      const at = backwards ? steps - 1 - k : k;
      const fromHidden = linear(state[0] as Tensor, hidden, hiddenBias);
      state = this.cell(slice(fromInputs, [at]), state, fromHidden);
      outputs[at] = state[0] as Tensor;
    }
    return { sequence: stack(outputs), last: state };
  }
}

/** h ← tanh(W x + b + U h + c), or relu (Elman 1990). */
export class RNN extends Recurrent {
  protected override readonly cell: Cell;

  constructor(
    inputSize: number,
    hiddenSize: number,
    options: RecurrentOptions & { readonly nonlinearity?: "tanh" | "relu" } = {},
  ) {
    super("RNN", 1, 1, inputSize, hiddenSize, options);
    const { nonlinearity = "tanh" } = options;
    checkWord("RNN", "nonlinearity", nonlinearity, ["tanh", "relu"]);
    const activation = nonlinearity === "relu" ? relu : tanh;
    this.cell = (fromInput, _, fromHidden) => [activation(add(fromInput, fromHidden))];
  }

  override forward(x: Tensor, hidden?: Tensor): Recurrence {
    return recurrence(this.recur(x, hidden ? [hidden] : []));
  }
}

/**
 * Gated recurrent unit (Cho et al. 2014), gates in PyTorch's order r, z, n:
 *
 *     r = σ(Wr x + Ur h);  z = σ(Wz x + Uz h);  n = tanh(Wn x + r·(Un h));  h ← (1 − z)·n + z·h
 */
export class GRU extends Recurrent {
  protected override readonly cell: Cell = (fromInput, [h], fromHidden) => {
    const [ri, zi, ni] = split(fromInput, 3, -1) as [Tensor, Tensor, Tensor];
    const [rh, zh, nh] = split(fromHidden, 3, -1) as [Tensor, Tensor, Tensor];
    const z = sigmoid(add(zi, zh));
    const n = tanh(add(ni, mul(sigmoid(add(ri, rh)), nh)));
    return [add(mul(sub(1, z), n), mul(z, h as Tensor))];
  };

  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super("GRU", 3, 1, inputSize, hiddenSize, options);
  }

  override forward(x: Tensor, hidden?: Tensor): Recurrence {
    return recurrence(this.recur(x, hidden ? [hidden] : []));
  }
}

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997), gates in PyTorch's order i, f, g, o:
 *
 *     c ← σ(f)·c + σ(i)·tanh(g);  h ← σ(o)·tanh(c)
 */
export class LSTM extends Recurrent {
  protected override readonly cell: Cell = (fromInput, [, c], fromHidden) => {
    const gates = split(add(fromInput, fromHidden), 4, -1) as [Tensor, Tensor, Tensor, Tensor];
    const [i, f, g, o] = gates;
    const cell = add(mul(sigmoid(f), c as Tensor), mul(sigmoid(i), tanh(g)));
    return [mul(sigmoid(o), tanh(cell)), cell];
  };

  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super("LSTM", 4, 2, inputSize, hiddenSize, options);
  }

  override forward(
    x: Tensor,
    state?: { readonly hidden: Tensor; readonly cell: Tensor },
  ): Recurrence & { readonly cell: Tensor } {
    const { output, last } = this.recur(x, state ? [state.hidden, state.cell] : []);
    return { output, hidden: last[0] as Tensor, cell: last[1] as Tensor };
  }
}

const recurrence = ({ output, last }: { output: Tensor; last: Tensor[] }): Recurrence => ({
  output,
  hidden: last[0] as Tensor,
});
