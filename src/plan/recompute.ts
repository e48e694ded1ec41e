/**
 * Recomputation to fit. What the backward pass needs of the forward pass is kept in between; where
 * that is too much, values are dropped after their forward use and computed again before the first
 * use that comes later: the same op on the same operands, so the same bits.
 *
 *     forward            │ cut: here most is kept      backward
 *     a → b → c → d → e  │  e  c' d'  d  c  a' b'  b  a
 *         boundary ▲ keeps what crosses it; between boundaries everything is recomputed
 *
 * Boundaries split the forward pass into segments of about equal weight, each where little crosses
 * (Chen et al. 2016, "Training deep nets with sublinear memory cost"). More segments recompute more
 * and keep less of the others at a time.
 */
import { elementBytes } from "../backend.js";
import { sizeOf } from "../shape.js";
import { makeNode, type Op } from "../tape.js";
import type { FloatDtype, Node, Tensor } from "../tensor.js";
import type { Tape } from "./passes.js";
import { makePlan, type Plan } from "./plan.js";

/** A name for an operand that only recomputed nodes use, so that none merges with the original. */
const againOp: Op<null> = {
  name: "again",
  infer: (inputs) => inputs,
  cost: "none",
  lower: (node, to) => to.bind(node, 0, to.input(node, 0)),
};

interface Fitted {
  readonly tape: Tape;
  readonly plan: Plan;
}

/**
 * The tape and a plan of at most `maxBytes`, with the fewest recomputations of those tried. Throws a
 * RangeError that says how close it came.
 */
export function fitTape(tape: Tape, float: FloatDtype, maxBytes: number): Fitted {
  let least = Number.POSITIVE_INFINITY;
  const attempt = (candidate: Tape): Fitted | undefined => {
    const plan = makePlan(candidate, float);
    least = Math.min(least, plan.peakBytes);
    return plan.peakBytes <= maxBytes ? { tape: candidate, plan } : undefined;
  };
  const first = attempt(tape);
  if (first) return first;
  const forward = new Forward(tape);
  const withBoundaries = (boundaries: readonly number[], recomputed: number): Fitted | undefined =>
    attempt(recompute(tape, forward.cut, forward.kept(boundaries, recomputed)));
  const most = forward.saved.length;
  for (let segments = 1; segments <= most; segments += Math.ceil(segments / 4)) {
    const boundaries = forward.boundaries(segments);
    let best = withBoundaries(boundaries, segments);
    if (!best) continue;
    // Fewer of the segments may do.
    for (let [low, high] = [0, segments]; low < high; ) {
      const middle = (low + high) >> 1;
      const found = withBoundaries(boundaries, middle);
      if (found) [best, high] = [found, middle];
      else low = middle + 1;
    }
    return best;
  }
  throw new RangeError(
    `compile: plan does not fit: got ${least} bytes at least, expected at most ${maxBytes} (maxBytes)`,
  );
}

const isFree = (node: Node): boolean => node.op.cost === "none";

const bytesOf = (node: Node): number =>
  node.outputs.reduce((sum, { shape, dtype }) => sum + sizeOf(shape) * elementBytes(dtype), 0);

/** What a node reads once operands that are only names of others are looked through. */
function sourcesOf(node: Node): Set<Node> {
  const sources = new Set<Node>();
  const stack = node.inputs.map((input) => input.node);
  for (let source = stack.pop(); source; source = stack.pop())
    if (isFree(source)) for (const input of source.inputs) stack.push(input.node);
    else sources.add(source);
  return sources;
}

/** The part of a tape before the place where most bytes are kept, and where it may be split. */
class Forward {
  /** How many nodes it has. */
  readonly cut: number;
  /** Nodes whose values are kept across the cut and can be recomputed, in order. */
  readonly saved: readonly Node[];
  readonly #index: ReadonlyMap<Node, number>;
  readonly #nodes: readonly Node[];
  /** The last node that reads a value: before the cut, and at all. */
  readonly #lastBefore: readonly number[];
  /** Results and what cannot be recomputed: always kept. */
  readonly #fixed: ReadonlySet<Node>;
  /** Bytes that cross the place before each node, and saved bytes before it. */
  readonly #crossing: Float64Array;
  readonly #weights: Float64Array;

  constructor({ nodes, outputs, assignments }: Tape) {
    this.#nodes = nodes;
    this.#index = new Map(nodes.map((node, index) => [node, index]));
    const roots = new Set<Node>();
    for (const { node } of [...outputs, ...assignments.map(({ value }) => value)]) {
      if (isFree(node)) for (const source of sourcesOf(node)) roots.add(source);
      roots.add(node);
    }
    const uses = nodes.map(() => [] as number[]);
    for (const [at, node] of nodes.entries()) {
      if (isFree(node)) continue;
      for (const source of sourcesOf(node)) {
        const index = this.#index.get(source);
        if (index !== undefined) uses[index]?.push(at);
      }
    }
    const lastUses = uses.map((list) => list.at(-1) ?? -1);
    this.#fixed = new Set(
      nodes.filter((node) => roots.has(node) || node.op.refusal || node.inputs.length === 0),
    );
    const candidates = (index: number): boolean => {
      const node = nodes[index] as Node;
      return !isFree(node) && !this.#fixed.has(node);
    };
    const kept = this.#sweep(lastUses, candidates, nodes.length);
    this.cut = kept.reduce((best, bytes, at) => (bytes > (kept[best] as number) ? at : best), 0);
    this.saved = nodes.filter(
      (_, at) => at < this.cut && (lastUses[at] as number) >= this.cut && candidates(at),
    );
    this.#lastBefore = uses.map((list) => list.findLast((at) => at < this.cut) ?? -1);
    this.#crossing = this.#sweep(this.#lastBefore, candidates, this.cut);
    this.#weights = new Float64Array(this.cut + 1);
    const saved = new Set(this.saved);
    for (let at = 0; at < this.cut; at++) {
      const node = nodes[at] as Node;
      this.#weights[at + 1] = (this.#weights[at] as number) + (saved.has(node) ? bytesOf(node) : 0);
    }
  }

  /** Bytes of the values made before each node and used at it or later. */
  #sweep(
    lastUses: readonly number[],
    counts: (index: number) => boolean,
    length: number,
  ): Float64Array {
    const bytes = new Float64Array(length + 2);
    for (let at = 0; at < length; at++) {
      const last = lastUses[at] as number;
      if (last <= at || !counts(at)) continue;
      const size = bytesOf(this.#nodes[at] as Node);
      (bytes[at + 1] as number) += size;
      (bytes[Math.min(last, length) + 1] as number) -= size;
    }
    for (let at = 1; at < bytes.length; at++) (bytes[at] as number) += bytes[at - 1] as number;
    return bytes.subarray(0, length + 1);
  }

  /** Places that split the saved bytes into segments, near equal weights, where little crosses. */
  boundaries(segments: number): number[] {
    const total = this.#weights[this.cut] as number;
    const step = total / (segments + 1);
    const places: number[] = [];
    let from = 1;
    for (let k = 1; k <= segments; k++) {
      let best = -1;
      for (let at = from; at < this.cut; at++) {
        const weight = this.#weights[at] as number;
        if (weight < (k - 0.4) * step) continue;
        if (weight > (k + 0.4) * step && best >= 0) break;
        if (best < 0 || (this.#crossing[at] as number) < (this.#crossing[best] as number))
          best = at;
      }
      if (best < 0) break;
      places.push(best);
      from = best + 1;
    }
    return places;
  }

  /**
   * The nodes that later uses read as they are when the first `recomputed` segments are recomputed,
   * and in the others what is cheap to recompute from what is kept.
   */
  kept(boundaries: readonly number[], recomputed: number): Set<Node> {
    const kept = new Set(this.#fixed);
    const ends = boundaries.slice(0, recomputed);
    const end = ends.at(-1) ?? 0;
    for (const [at, node] of this.#nodes.entries()) {
      if (at >= this.cut) break;
      const last = this.#lastBefore[at] as number;
      if (!isFree(node) && ends.some((place) => at < place && last >= place)) kept.add(node);
    }
    for (const node of this.saved) if ((this.#index.get(node) as number) >= end) kept.add(node);
    // Backwards: what a dropped one is computed from may be recomputed cheaply, too.
    for (const node of [...this.saved].reverse()) {
      const at = this.#index.get(node) as number;
      if (at < end || node.op.cost === "high") continue;
      const sources = [...sourcesOf(node)];
      if (sources.every((source) => kept.has(source) || !this.#index.has(source)))
        kept.delete(node);
    }
    return kept;
  }
}

/** The tape on which nodes from `cut` on read recomputed values in place of those not in `kept`. */
function recompute(tape: Tape, cut: number, kept: ReadonlySet<Node>): Tape {
  const early = new Map(tape.nodes.slice(0, cut).map((node, index) => [node, index]));
  const nodes = [...early.keys()];
  const stands = new Map<Tensor, Tensor>();
  const names = new Map<Tensor, Tensor>();
  const again = ({ node }: Tensor): boolean => early.has(node) && !kept.has(node);
  const add = (node: Node, inputs: readonly Tensor[]): void => {
    const made = makeNode(node.op, inputs, node.attrs, node.outputs);
    nodes.push(made);
    for (const [index, output] of node.outputs.entries())
      stands.set(output, made.outputs[index] as Tensor);
  };
  const named = (tensor: Tensor): Tensor => {
    const known = stands.get(tensor) ?? names.get(tensor);
    if (known) return known;
    const name = makeNode(againOp, [tensor], null, [tensor]);
    nodes.push(name);
    names.set(tensor, name.outputs[0] as Tensor);
    return name.outputs[0] as Tensor;
  };
  const ensure = (tensors: readonly Tensor[]): void => {
    const missing = new Set<Node>();
    const stack = [...tensors];
    for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
      if (!again(tensor) || stands.has(tensor) || missing.has(tensor.node)) continue;
      missing.add(tensor.node);
      stack.push(...tensor.node.inputs);
    }
    const order = (node: Node): number => early.get(node) as number;
    for (const node of [...missing].sort((a, b) => order(a) - order(b)))
      add(node, node.inputs.map(named));
  };
  for (const node of tape.nodes.slice(cut)) {
    ensure(node.inputs);
    add(
      node,
      node.inputs.map((input) => stands.get(input) ?? input),
    );
  }
  const find = (tensor: Tensor): Tensor =>
    early.has(tensor.node) ? tensor : (stands.get(tensor) ?? tensor);
  return {
    ...tape,
    nodes,
    outputs: tape.outputs.map(find),
    assignments: tape.assignments.map((effect) => ({ ...effect, value: find(effect.value) })),
  };
}
