/**
 * What the chain rule multiplies: the dimensions of every Jacobian, which is never made, those of the
 * product that is taken in its place, and what forward and reverse mode cost.
 */
import { pushforward } from "../autodiff/forward.js";
import { pullback } from "../autodiff/reverse.js";
import { full } from "../ops/create.js";
import { broadcastTo } from "../ops/shape.js";
import { formatShape, type Shape } from "../shape.js";
import { isFloat, type Node, type Tensor } from "../tensor.js";
import type { CircuitOptions, NamedOutput } from "./arguments.js";
import { draftCall, recordCall } from "./draft.js";
import { flopsDuring, flopsOf } from "./flops.js";
import type { DraftGate, DraftWire } from "./graph.js";
import { tableText } from "./table.js";

/**
 * What the derivative of an output by an input is an array of: a number by a number; a number by a
 * vector, a row; a vector by a number, a column; a vector by a vector, or a number and a matrix, a
 * matrix; of more axes a tensor, which as a Jacobian has its axes flattened into rows and columns.
 */
export type JacobianKind = "scalar" | "row" | "column" | "matrix" | "tensor";

export interface OperandJacobian {
  /** What the operand is called, as in `circuit`. */
  readonly operand: string;
  readonly input: Shape;
  readonly output: Shape;
  /** Rows and columns: entries of the output × entries of the input. */
  readonly rows: number;
  readonly columns: number;
  readonly kind: JacobianKind;
  /** Only entries at the same place depend on one another: nothing but a diagonal to be kept. */
  readonly diagonal: boolean;
}

export interface OpJacobians {
  /** The op, and what its output is called. */
  readonly name: string;
  readonly label: string;
  /** One for each operand that a derivative goes through. */
  readonly jacobians: readonly OperandJacobian[];
  /** What replaces vᵀ·J in reverse mode, in words. */
  readonly rule: string;
  /** Operations: of the op, of its J·v for all operands, of its vᵀ·J for all operands. */
  readonly flops: number;
  readonly forwardFlops: number;
  readonly reverseFlops: number;
}

export interface JacobianShapes {
  readonly ops: readonly OpJacobians[];
  /** Entries of all inputs and Parameters, and of the output: the Jacobian's columns and rows. */
  readonly inputs: number;
  readonly outputs: number;
  /** Operations of the function itself. */
  readonly flops: number;
  /** Of one pass in each mode, the function's not counted; and how many make the whole Jacobian. */
  readonly forward: ModeCost;
  readonly reverse: ModeCost;
  /** Which of them takes fewer operations for the whole Jacobian. */
  readonly mode: "forward" | "reverse";
  /** A line for each op's operand, and the costs in words. */
  toText(): string;
}

export interface ModeCost {
  readonly passes: number;
  readonly flopsPerPass: number;
  /** Of all passes, and of the function once. */
  readonly flops: number;
}

export type JacobianShapesOptions = Pick<CircuitOptions, "names" | "output">;

const KNOWN = ["names", "output"] as const;

function kindOf(input: Shape, output: Shape): JacobianKind {
  const axes = input.length + output.length;
  if (axes === 0) return "scalar";
  if (axes === 1) return input.length === 1 ? "row" : "column";
  return axes === 2 ? "matrix" : "tensor";
}

const ones = ({ shape, dtype }: Tensor): Tensor =>
  broadcastTo(full([], 1, { dtype: dtype as "f32" | "f64" }), shape);

/** Operations of one node's vᵀ·J and J·v, with respect to these of its inputs. */
function nodeCosts({ outputs }: Node, through: readonly Tensor[]) {
  const floats = outputs.filter(({ dtype }) => isFloat(dtype)).slice(0, 1);
  return {
    reverseFlops: flopsDuring(() => pullback(floats, floats.map(ones), through)),
    forwardFlops: flopsDuring(() => pushforward(floats, through, through.map(ones))),
  };
}

function opJacobians(
  { node, inputs, rule, outputs }: DraftGate,
  wires: readonly DraftWire[],
  moving: ReadonlySet<number>,
): OpJacobians {
  const of = (id: number): DraftWire => wires[id] as DraftWire;
  const result = of(outputs[0] as number);
  const through = [...new Set(inputs)].filter((id) => moving.has(id));
  const jacobians = inputs
    .filter((id) => moving.has(id))
    .map((id): OperandJacobian => {
      const { tensor, label } = of(id);
      const { shape } = result.tensor;
      return {
        operand: label,
        input: tensor.shape,
        output: shape,
        rows: result.tensor.size,
        columns: tensor.size,
        kind: kindOf(tensor.shape, shape),
        diagonal: rule.elementwise === true,
      };
    });
  const tensors = through.map((id) => of(id).tensor);
  return {
    name: node.op.name,
    label: result.label,
    jacobians,
    rule: rule.words,
    flops: flopsOf(node),
    ...nodeCosts(node, tensors),
  };
}

/** Wires that depend on an input or a Parameter by floats. */
function movingWires(gates: readonly DraftGate[], wires: readonly DraftWire[]): Set<number> {
  const moving = new Set<number>();
  for (const [id, { kind, tensor }] of wires.entries())
    if ((kind === "input" || kind === "parameter") && isFloat(tensor.dtype)) moving.add(id);
  for (const { inputs, outputs } of gates)
    if (inputs.some((id) => moving.has(id)))
      for (const id of outputs) if (isFloat((wires[id] as DraftWire).tensor.dtype)) moving.add(id);
  return moving;
}

const cost = (passes: number, flopsPerPass: number, flops: number): ModeCost => ({
  passes,
  flopsPerPass,
  flops: flops + passes * flopsPerPass,
});

function text(shapes: Omit<JacobianShapes, "toText">): string {
  const { ops, inputs, outputs, flops, forward, reverse, mode } = shapes;
  const rows = ops.flatMap(({ label, name, jacobians, forwardFlops, reverseFlops, rule }) =>
    jacobians.map(({ operand, input, output, rows: m, columns: n, kind, diagonal }, index) => [
      index === 0 ? `${label} = ${name}` : "",
      operand,
      `${formatShape(input)} → ${formatShape(output)}`,
      `[${m} × ${n}]`,
      diagonal ? `${kind}, diagonal` : kind,
      `[1 × ${m}]·J = [1 × ${n}]`,
      `J·[${n} × 1] = [${m} × 1]`,
      index === 0 ? String(reverseFlops) : "",
      index === 0 ? String(forwardFlops) : "",
      index === 0 ? rule : "",
    ]),
  );
  const head = "op,operand,from → to,Jacobian,kind,reverse,forward,reverse ops,forward ops,instead";
  const passes = ({ passes: count, flopsPerPass, flops: all }: ModeCost): string =>
    `${count} × ${flopsPerPass} + ${flops} = ${all} operations`;
  return [
    tableText([head.split(","), ...rows], [7, 8]),
    "",
    `${inputs} → ${outputs}: the Jacobian is [${outputs} × ${inputs}]`,
    `forward mode, a column each pass: ${passes(forward)}`,
    `reverse mode, a row each pass: ${passes(reverse)}`,
    `use ${mode} mode`,
  ].join("\n");
}

/**
 * For each op of f the dimensions of its Jacobian with respect to each operand and of the product
 * that is computed in its place, and the cost of the Jacobian of f in forward and in reverse mode:
 * few inputs and many outputs, forward; many inputs and few outputs, reverse. Costs are operations of
 * what is really recorded in either mode: an addition, a multiplication or a function such as exp is
 * one, a copy none. Inputs are the arguments' floats and the Parameters that are read; the output is
 * that of `circuit`, of any shape. Nothing is computed.
 *
 * Throws what `circuit` throws while it records; a TypeError where nothing can be differentiated.
 */
export function jacobianShapes(
  f: (...args: never[]) => unknown,
  inputs: readonly unknown[],
  options: JacobianShapesOptions = {},
): JacobianShapes {
  return recordCall("jacobianShapes", f, inputs, options, KNOWN, (call) => {
    const { tensor: output } = call.outputs.at(-1) as NamedOutput;
    const outputs = call.outputs.slice(-1);
    const { gates, wires } = draftCall({ ...call, outputs }, undefined, 0);
    const moving = movingWires(gates, wires);
    const reached = wires.findIndex(({ tensor }) => tensor === output);
    if (!isFloat(output.dtype) || !moving.has(reached))
      throw new TypeError(
        `jacobianShapes: nothing to differentiate: got an output ${output.dtype} ${formatShape(output.shape)}, ` +
          "expected a float that depends on a float argument or a Parameter",
      );
    const ends = wires.flatMap(({ kind, tensor }, id) =>
      kind !== "value" && moving.has(id) ? [tensor] : [],
    );
    const entries = ends.reduce((sum, { size }) => sum + size, 0);
    const ops = gates
      .filter(
        ({ inputs: ids, outputs: made }) =>
          made.some((id) => moving.has(id)) && ids.some((id) => moving.has(id)),
      )
      .map((gate) => opJacobians(gate, wires, moving));
    const flops = gates.reduce((sum, { node }) => sum + flopsOf(node), 0);
    const forward = flopsDuring(() => pushforward([output], ends, ends.map(ones)));
    const reverse = flopsDuring(() => pullback([output], [ones(output)], ends));
    const costs = {
      forward: cost(entries, forward, flops),
      reverse: cost(output.size, reverse, flops),
    };
    const shapes = {
      ops,
      inputs: entries,
      outputs: output.size,
      flops,
      ...costs,
      mode: costs.forward.flops < costs.reverse.flops ? ("forward" as const) : ("reverse" as const),
    };
    return { ...shapes, toText: () => text(shapes) };
  });
}
