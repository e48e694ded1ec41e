/** Ops on tensors as calls of this library. */
import type { Geometry } from "../ops/geometry.js";
import { imageShape, weightShape } from "../ops/geometry.js";
import { type Dtype, isFloat, type Node, type Tensor } from "../tensor.js";
import { literal, numberOf, Unwritten } from "./code.js";
import { placeText, viewText } from "./viewCode.js";
import { type AverageAttrs, averageText, convText, poolText } from "./windowCode.js";
import { calling, input, listText, type TensorForm, type Writer, zerosText } from "./writer.js";

/** An operand of a function that takes numbers. */
function operand(to: Writer, tensor: Tensor): string {
  const value = numberOf(tensor);
  return value === undefined || !isFloat(tensor.dtype)
    ? to.text(tensor)
    : literal(value, tensor.dtype === "f32").text;
}

const unary =
  (name: string): TensorForm =>
  (to, node) =>
    calling(to, name, to.text(input(node, 0)));
/** Of two numbers the first one is written as a tensor, so that the shape is right. */
const binary =
  (name: string, swap = false): TensorForm =>
  (to, node) => {
    const [a, b] = swap ? [input(node, 1), input(node, 0)] : [input(node, 0), input(node, 1)];
    const numbers = numberOf(a) !== undefined && numberOf(b) !== undefined;
    return calling(to, name, numbers ? to.text(a) : operand(to, a), operand(to, b));
  };
const reduction =
  (name: string): TensorForm =>
  (to, node) => {
    const { axes } = node.attrs as { axes: readonly number[] };
    const x = input(node, 0);
    const over = axes.length === x.rank ? [] : [listText(axes)];
    return calling(to, name, to.text(x), ...over);
  };

/** A factor, transposed if the product reads it so. */
function factor(to: Writer, x: Tensor, transposed: boolean): string {
  if (!transposed) return to.text(x);
  return x.rank === 2
    ? calling(to, "transpose", to.text(x))
    : calling(to, "swapAxes", to.text(x), "1", "2");
}

/** What a linear function's transpose makes of d. */
function transposed(to: Writer, at: string, d: Tensor, write: (x: string) => string): string {
  return `${to.use("vjp")}((t) => ${write("t")}, ${at}).pullback(${to.text(d)})`;
}
const UNARY =
  "exp log sqrt sigmoid tanh relu log1p expm1 sin cos tan sinh cosh atan erf abs sign floor ceil round silu gelu softplus neg stopGradient";
const BINARY = "add sub mul div maximum minimum hypot atan2 eq ne lt le logicalAnd logicalOr";

// biome-ignore format: a table, one op a line
export const TENSOR: Readonly<Record<string, TensorForm>> = {
  ...Object.fromEntries(UNARY.split(" ").map((name) => [name, unary(name)])),
  ...Object.fromEntries(BINARY.split(" ").map((name) => [name, binary(name)])),
  gt: binary("gt", true),
  ge: binary("ge", true),
  pow: (to, node) => node.inputs.length === 1
    ? calling(to, "pow", to.text(input(node, 0)), String(node.attrs))
    : binary("pow")(to, node, 0),
  geluTanh: (to, node) => calling(to, "gelu", to.text(input(node, 0)), '{ approximate: "tanh" }'),
  alias: (to, node) => to.text(input(node, 0)),
  cast: (to, node) => calling(to, "cast", to.text(input(node, 0)), `"${node.outputs[0]?.dtype}"`),
  equal: (to, node) => calling(to, "cast", binary("eq")(to, node, 0), `"${node.outputs[0]?.dtype}"`),
  maximumShare: (to, node) => calling(to, "where", binary("gt")(to, node, 0), "1",
    calling(to, "where", binary("eq")(to, node, 0), "0.5", "0")),
  reluBackward: (to, node) =>
    calling(to, "where", calling(to, "gt", to.text(input(node, 0)), "0"), operand(to, input(node, 1)), "0"),
  where: (to, node) =>
    calling(to, "where", to.text(input(node, 0)), operand(to, input(node, 1)), operand(to, input(node, 2))),
  reshape: (to, node) => calling(to, "reshape", to.text(input(node, 0)), listText(node.outputs[0]?.shape ?? [])),
  transpose: (to, node) => calling(to, "transpose", to.text(input(node, 0)),
    listText((node.attrs as { axes: readonly number[] }).axes)),
  broadcastTo: (to, node) => calling(to, "broadcastTo", to.text(input(node, 0)), listText(node.outputs[0]?.shape ?? [])),
  sum: reduction("sum"), mean: reduction("mean"), max: reduction("max"), min: reduction("min"),
  cumsum(to, node) {
    const { axis, reverse } = node.attrs as { axis: number; reverse: boolean };
    const x = to.text(input(node, 0));
    if (!reverse) return calling(to, "cumsum", x, String(axis));
    const turned = (text: string): string => calling(to, "flip", text, String(axis));
    return turned(calling(to, "cumsum", turned(x), String(axis)));
  },
  argmax(to, node) {
    const { axis, least } = node.attrs as { axis: number; least: boolean };
    return calling(to, least ? "argmin" : "argmax", to.text(input(node, 0)), String(axis));
  },
  argsort: (to, node) => calling(to, "argsort", to.text(input(node, 0)), "-1",
    `{ descending: ${(node.attrs as { descending: boolean }).descending} }`),
  oneHot(to, node) {
    const { classes, dtype } = node.attrs as { classes: number; dtype: Dtype };
    return calling(to, "oneHot", to.text(input(node, 0)), String(classes), `{ dtype: "${dtype}" }`);
  },
  concat: (to, node) => calling(to, "concat",
    `[${node.inputs.map((x) => to.text(x)).join(", ")}]`, String((node.attrs as { axis: number }).axis)),
  split(to, node, index) {
    const { axis, lengths } = node.attrs as { axis: number; lengths: readonly number[] };
    return `${calling(to, "split", to.text(input(node, 0)), listText(lengths), String(axis))}[${index}]`;
  },
  view: viewText,
  place: placeText,
  take: (to, node) => calling(to, "indexSelect", to.text(input(node, 0)), axisText(node), to.text(input(node, 1))),
  takeAdd: (to, node) => calling(to, "indexAdd", to.text(input(node, 0)), axisText(node), to.text(input(node, 1)), to.text(input(node, 2))),
  gather: (to, node) => calling(to, "gather", to.text(input(node, 0)), axisText(node), to.text(input(node, 1))),
  scatterAdd: (to, node) => calling(to, "scatterAdd", to.text(input(node, 0)), axisText(node), to.text(input(node, 1)), to.text(input(node, 2))),
  matmul(to, node) {
    const t = node.attrs as { a: boolean; b: boolean };
    return calling(to, "matmul", factor(to, input(node, 0), t.a), factor(to, input(node, 1), t.b));
  },
  linear: (to, node) => calling(to, "linear", ...node.inputs.map((x) => to.text(x))),
  conv2d: (to, node) => convText(to, node.attrs as Geometry, to.text(input(node, 0)), to.text(input(node, 1)),
    node.inputs[2] && to.text(node.inputs[2])),
  conv2dInputGradient(to, node) {
    const g = node.attrs as Geometry;
    if (node.inputs[2]) throw new Unwritten(node.op.name);
    return transposed(to, zerosText(to, imageShape(g), input(node, 0).dtype), input(node, 0),
      (x) => convText(to, g, x, to.text(input(node, 1)), undefined));
  },
  conv2dWeightGradient(to, node) {
    const g = node.attrs as Geometry;
    return transposed(to, zerosText(to, weightShape(g), input(node, 0).dtype), input(node, 1),
      (w) => convText(to, g, to.text(input(node, 0)), w, undefined));
  },
  maxPool2d(to, node, index) {
    const g = node.attrs as Geometry;
    const x = to.text(input(node, 0));
    return index === 0 ? poolText(to, "maxPool2d", x, g) : `${poolText(to, "maxPool2dWithIndices", x, g)}.indices`;
  },
  maxPool2dPlace(to, node) {
    const pool = input(node, 1).node;
    if (pool.op.name !== "maxPool2d") throw new Unwritten(node.op.name);
    return transposed(to, to.text(pool.inputs[0] as Tensor), input(node, 0),
      (x) => poolText(to, "maxPool2d", x, node.attrs as Geometry));
  },
  avgPool2d: (to, node) => averageText(to, to.text(input(node, 0)), node.attrs as AverageAttrs),
  avgPool2dBackward(to, node) {
    const attrs = node.attrs as AverageAttrs;
    return transposed(to, zerosText(to, imageShape(attrs.geometry), input(node, 0).dtype), input(node, 0),
      (x) => averageText(to, x, attrs));
  },
  softmax: (to, node) => calling(to, (node.attrs as { logarithm: boolean }).logarithm ? "logSoftmax" : "softmax", to.text(input(node, 0))),
};

/** Functions of the library that are called: names that stages may not have. */
export const LIBRARY: readonly string[] = [
  ...`${UNARY} ${BINARY} gt ge pow cast where reshape transpose swapAxes broadcastTo`.split(" "),
  ..."sum mean max min cumsum flip argmax argmin argsort oneHot concat split slice pad".split(" "),
  ..."indexSelect indexAdd gather scatterAdd matmul linear conv2d maxPool2d".split(" "),
  ..."maxPool2dWithIndices avgPool2d softmax logSoftmax vjp zeros full tensor stages".split(" "),
];

const axisText = (node: Node<never>): string => String((node.attrs as { axis: number }).axis);
