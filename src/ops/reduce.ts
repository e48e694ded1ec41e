/** Reductions over any axes. Adjacent axes are one group; groups are reduced innermost first. */
import { Opcode } from "../../assembly/opcodes.js";
import type { Lowering, Value } from "../plan/lowering.js";
import { type Axes, formatShape, normalizeAxes, type Shape, sizeOf } from "../shape.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import type { Node, Tensor, TensorType } from "../tensor.js";
import { checkFloat } from "./create.js";
import { div, equalMask, mul } from "./elementwise.js";
import { broadcastTo, reshape } from "./shape.js";
import type { Reduction } from "./signatures.js";

interface ReduceAttrs {
  readonly axes: readonly number[];
}

/** The shape with 1 for the lengths of axes that are reduced. */
export const kept = (shape: Shape, axes: readonly number[]): Shape =>
  shape.map((length, axis) => (axes.includes(axis) ? 1 : length));

/** A reduced tensor back in the shape of what was reduced. */
const expand = (y: Tensor, { inputs, attrs }: Node<ReduceAttrs>): Tensor => {
  const { shape } = inputs[0] as Tensor;
  return broadcastTo(reshape(y, kept(shape, attrs.axes)), shape);
};

/** How many elements become one. */
const counted = ({ inputs, attrs }: Node<ReduceAttrs>): number =>
  attrs.axes.reduce((n, axis) => n * ((inputs[0] as Tensor).shape[axis] as number), 1);

function lowerReduction(opcode: Opcode, node: Node<ReduceAttrs>, to: Lowering): Value {
  const { axes } = node.attrs;
  const x = to.operand(node, 0);
  const lengths: number[] = [...x.shape];
  let value: Value = to.valueOf(x);
  let end = axes.length;
  while (end > 0) {
    let start = end - 1;
    while (start > 0 && axes[start - 1] === (axes[start] as number) - 1) start--;
    const [from, upTo] = [axes[start] as number, (axes[end - 1] as number) + 1];
    const outer = sizeOf(lengths.slice(0, from));
    const n = sizeOf(lengths.slice(from, upTo));
    const inner = sizeOf(lengths.slice(upTo));
    const out = to.temporary(x.dtype, outer * inner);
    to.emit(opcode, [out], [value, outer, n, inner]);
    lengths.splice(from, upTo - from, ...new Array<number>(upTo - from).fill(1));
    value = out;
    end = start;
  }
  return value;
}

function reduction(
  name: string,
  rules: Pick<Op<ReduceAttrs>, "vjp" | "jvp" | "lower"> & { readonly empty: boolean },
): Reduction {
  const { empty, ...rest } = rules;
  const op: Op<ReduceAttrs> = {
    name,
    infer: ([x], { axes }) => {
      const { shape, dtype } = x as TensorType;
      checkFloat(name, dtype);
      if (!empty && axes.some((axis) => shape[axis] === 0))
        throw new RangeError(
          `${name}: nothing to reduce: got ${formatShape(shape)} over axes [${axes.join(", ")}], expected at least one element`,
        );
      return [{ shape: shape.filter((_, axis) => !axes.includes(axis)), dtype }];
    },
    ...rest,
  };
  return (x: Tensor, axes?: Axes, keepdims: boolean = false) => {
    checkTensors(name, x);
    const list = normalizeAxes(name, axes, x.rank);
    const y = list.length === 0 ? x : record1(op, [x], { axes: list });
    return keepdims ? reshape(y, kept(x.shape, list)) : y;
  };
}

/** Σx over `axes` (default: all); 0 for none. */
export const sum = reduction("sum", {
  empty: true,
  vjp: [(dy, node) => expand(dy, node)],
  jvp: [(xDot, { attrs }) => sum(xDot, attrs.axes)],
  lower: (node, to) => to.bind(node, 0, lowerReduction(Opcode.Sum, node, to)),
});

/** Σx / n over `axes` (default: all); NaN for none. */
export const mean = reduction("mean", {
  empty: true,
  vjp: [(dy, node) => expand(div(dy, counted(node)), node)],
  jvp: [(xDot, { attrs }) => mean(xDot, attrs.axes)],
  lower(node, to) {
    const { axes } = node.attrs;
    const adjacent = (axes.at(-1) as number) - (axes[0] as number) === axes.length - 1;
    if (adjacent) {
      to.bind(node, 0, lowerReduction(Opcode.Mean, node, to));
      return;
    }
    const total = lowerReduction(Opcode.Sum, node, to);
    const out = to.output(node);
    const n = to.scalar(counted(node));
    to.emit(Opcode.Div, [out], [total, n, 1, out.size, out.size, 1, 0, 0], [[out, total]]);
  },
});

/** An extremum's gradient is shared equally among the ties, as in PyTorch's amax and amin. */
function shares(node: Node<ReduceAttrs>): { mask: Tensor; count: Tensor } {
  const mask = equalMask(node.inputs[0] as Tensor, expand(node.outputs[0] as Tensor, node));
  return { mask, count: sum(mask, node.attrs.axes) };
}

function extremum(name: string, opcode: Opcode): Reduction {
  return reduction(name, {
    empty: false,
    vjp: [
      (dy, node) => {
        const { mask, count } = shares(node);
        return mul(mask, expand(div(dy, count), node));
      },
    ],
    jvp: [
      (xDot, node) => {
        const { mask, count } = shares(node);
        return div(sum(mul(mask, xDot), node.attrs.axes), count);
      },
    ],
    lower: (node, to) => to.bind(node, 0, lowerReduction(opcode, node, to)),
  });
}

/** The greatest element over `axes` (default: all); NaN wins; ties share the gradient. */
export const max = extremum("max", Opcode.Max);
/** The least element over `axes` (default: all); NaN wins; ties share the gradient. */
export const min = extremum("min", Opcode.Min);
