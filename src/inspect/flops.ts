/**
 * Operations that ops take: an addition, a multiplication, a comparison, and a function such as exp,
 * are one each; copies are none. Fused ops count as what they consist of.
 */

import { Body } from "../ops/body.js";
import { areaOf, type Geometry } from "../ops/geometry.js";
import { alias } from "../ops/shape.js";
import type { Node, Tensor } from "../tensor.js";
import { currentTrace } from "../trace.js";
import { isConstant } from "./graph.js";
import { partsOf, ruleOf } from "./rules.js";

/** What only names, moves, picks or makes up numbers. */
const FREE = new Set(
  (
    "alias stopGradient reshape transpose broadcastTo view place concat split take gather cast unfold " +
    "oneHot where maxPool2dPick constant placeholder bodyInput parameter host"
  ).split(" "),
);
/** One operation for each entry of the first operand. */
const BY_OPERAND = new Set("sum mean max min cumsum argmax argsort".split(" "));
/** One for each entry that is added somewhere. */
const BY_LAST = new Set("takeAdd scatterAdd fold maxPool2dPlace".split(" "));

const sizeAt = ({ inputs }: Node, index: number): number => (inputs.at(index) as Tensor).size;

/** Products and sums of a convolution, in any of its three readings. */
function convFlops(g: Geometry): number {
  const { batch, filters, channels, groups, kernel, output } = g;
  return 2 * batch * filters * areaOf(output) * (channels / groups) * areaOf(kernel);
}

function poolFlops({ geometry, ...g }: Geometry & { readonly geometry?: Geometry }): number {
  const { batch, filters, kernel, output } = geometry ?? (g as Geometry);
  return batch * filters * areaOf(output) * areaOf(kernel);
}

/** m × k by k × n: a product and a sum for each of the m·n·k pairs. */
function productFlops({ inputs, outputs, attrs }: Node): number {
  const [a] = inputs as [Tensor];
  const { a: transposed } = (attrs ?? {}) as { a?: boolean };
  const k = a.shape.at(transposed ? -2 : -1) as number;
  return 2 * (outputs[0] as Tensor).size * k;
}

/** Operations of one node. Records what a fused op consists of: a trace must be open. */
export function flopsOf(node: Node): number {
  const { attrs, outputs } = node;
  const { name } = node.op;
  if (isConstant(node) || FREE.has(name)) return 0;
  if (BY_OPERAND.has(name)) return sizeAt(node, 0);
  if (BY_LAST.has(name)) return sizeAt(node, name === "maxPool2dPlace" ? 0 : -1);
  if (name === "matmul") return productFlops(node);
  if (name === "linear") return productFlops(node) + (outputs[0] as Tensor).size;
  if (/^conv2d/.test(name)) return convFlops(attrs as Geometry);
  if (/^(max|avg)Pool2d/.test(name)) return poolFlops(attrs as Geometry);
  const { body, count = 1 } = (attrs ?? {}) as { body?: unknown; count?: number };
  if (body instanceof Body) return count * sumFlops(body.nodes);
  if (ruleOf(name).opens) {
    const leaves = node.inputs.map((input) => alias(input));
    return flopsDuring(() => partsOf(node, leaves));
  }
  return Math.max(...outputs.map(({ size }) => size));
}

const sumFlops = (nodes: readonly Node[]): number =>
  nodes.reduce((sum, node) => sum + flopsOf(node), 0);

/** Operations of everything that `fn` records. */
export function flopsDuring(fn: () => unknown): number {
  const nodes = currentTrace()?.nodes ?? [];
  const before = nodes.length;
  fn();
  return sumFlops(nodes.slice(before));
}
