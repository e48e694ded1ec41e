import { defaultDtype } from "../backend.js";
import { checkOptions } from "../describe.js";
import { logicalAnd, logicalNot, maskedFill } from "../ops/compare.js";
import { zeros } from "../ops/create.js";
import { mul } from "../ops/elementwise.js";
import { split, swapAxes } from "../ops/join.js";
import { linear, matmul } from "../ops/matmul.js";
import { parameter } from "../ops/parameter.js";
import { reshape } from "../ops/shape.js";
import { causalMask, causalSoftmax, softmax } from "../ops/softmax.js";
import { slice } from "../ops/view.js";
import type { Parameter } from "../parameter.js";
import { dropout } from "../random.js";
import { formatShape } from "../shape.js";
import { checkTensors } from "../tape.js";
import type { Tensor } from "../tensor.js";
import { checkProbability, checkSize } from "./checks.js";
import { xavierUniform } from "./init.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";

export interface AttentionMasks {
  /** Whether a query may look at a key (bool), broadcasting against [..., queries, keys]. */
  readonly mask?: Tensor;
  /** Whether a query looks only at keys up to its own position. */
  readonly causal?: boolean;
}

function weightsOf(op: string, q: Tensor, k: Tensor, masks: AttentionMasks): Tensor {
  checkTensors(op, q, k);
  checkOptions(op, masks, ["mask", "causal"]);
  const { mask, causal = false } = masks;
  if (mask && mask.dtype !== "bool")
    throw new TypeError(
      `${op}: mask is no condition: got ${mask.dtype}, expected bool, true where a query may look`,
    );
  const width = q.shape.at(-1) as number;
  const products = matmul(q, swapAxes(k, -1, -2));
  const scale = 1 / Math.sqrt(width);
  if (causal && !mask) return causalSoftmax(products, scale);
  const scores = mul(products, scale);
  const past = causal ? causalMask(scores) : undefined;
  const allowed = past && mask ? logicalAnd(past, mask) : (past ?? mask);
  // −Infinity becomes exactly 0; a query that may look at nothing becomes NaN, as in PyTorch.
  return softmax(
    allowed ? maskedFill(scores, logicalNot(allowed), Number.NEGATIVE_INFINITY) : scores,
  );
}

/**
 * softmax(q·kᵀ / √width)·v (Vaswani et al. 2017): q [..., queries, width], k [..., keys, width],
 * v [..., keys, size] → [..., queries, size].
 */
export const scaledDotProductAttention = (
  q: Tensor,
  k: Tensor,
  v: Tensor,
  masks: AttentionMasks = {},
): Tensor => matmul(weightsOf("scaledDotProductAttention", q, k, masks), v);

export interface AttentionOptions {
  readonly bias?: boolean;
  /** Of the attention weights, in training. */
  readonly dropout?: number;
  /** Whether x is [batch, length, size] or [length, batch, size] (the default, as in PyTorch). */
  readonly batchFirst?: boolean;
}

/**
 * Multi-head attention (Vaswani et al. 2017) with PyTorch's parameters: `in_proj_weight` [3·size,
 * size] for queries, keys and values, and `out_proj`. `forward(query, key = query, value = key)` gives
 * the attended values; x [length, batch, size] (or batch first), or [length, size].
 */
export class MultiheadAttention extends Module {
  readonly inProjWeight: Parameter;
  readonly inProjBias: Parameter | undefined;
  readonly outProj: Linear;
  readonly size: number;
  readonly heads: number;
  readonly dropout: number;
  readonly batchFirst: boolean;

  constructor(size: number, heads: number, options: AttentionOptions = {}) {
    super();
    checkOptions("MultiheadAttention", options, ["bias", "dropout", "batchFirst"]);
    checkSize("MultiheadAttention", "size", size);
    checkSize("MultiheadAttention", "number of heads", heads);
    if (size % heads !== 0)
      throw new RangeError(
        `MultiheadAttention: heads do not divide the size: got ${heads} for ${size}, expected a divisor`,
      );
    this.size = size;
    this.heads = heads;
    this.dropout = checkProbability("MultiheadAttention", options.dropout ?? 0);
    this.batchFirst = options.batchFirst ?? false;
    const dtype = defaultDtype();
    this.inProjWeight = xavierUniform(
      parameter(zeros([3 * size, size], { dtype }), { name: "in_proj_weight" }),
    );
    const bias = options.bias ?? true;
    if (bias) this.inProjBias = parameter(zeros([3 * size], { dtype }), { name: "in_proj_bias" });
    this.outProj = new Linear(size, size, { bias });
    if (this.outProj.bias) this.outProj.bias.write(this.outProj.bias.value().fill(0));
  }

  forward(
    query: Tensor,
    key: Tensor = query,
    value: Tensor = key,
    masks: AttentionMasks = {},
  ): Tensor {
    checkTensors("MultiheadAttention", query, key, value);
    for (const x of [query, key, value])
      if ((x.rank !== 2 && x.rank !== 3) || x.shape.at(-1) !== this.size)
        throw new RangeError(
          `MultiheadAttention: input does not fit: got ${formatShape(x.shape)}, expected [..., length, ${this.size}] of two or three axes`,
        );
    const turned = !this.batchFirst && query.rank === 3;
    const inward = (x: Tensor): Tensor => (turned ? swapAxes(x, 0, 1) : x);
    // What is one tensor stays one, so that its three products are one.
    const queries = inward(query);
    const keys = key === query ? queries : inward(key);
    const values = value === key ? keys : inward(value);
    const [q, k, v] = this.#project(queries, keys, values).map((x) => this.#intoHeads(x)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const weights = weightsOf("MultiheadAttention", q, k, masks);
    const dropped =
      this.dropout > 0 && this.isTraining() ? dropout(weights, this.dropout) : weights;
    const attended = matmul(dropped, v);
    const joined = swapAxes(attended, -2, -3);
    const [length, ...batch] = [joined.shape.at(-3) as number, ...joined.shape.slice(0, -3)];
    return inward(this.outProj.forward(reshape(joined, [...batch, length, this.size])));
  }

  /** Queries, keys and values; one product where all three come from one tensor. */
  #project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const { size, inProjWeight: weight, inProjBias: bias } = this;
    if (query === key && key === value) return split(linear(query, weight, bias), 3, -1);
    return [query, key, value].map((x, part) => {
      const rows = [part * size, (part + 1) * size] as const;
      return linear(x, slice(weight, [rows]), bias && slice(bias, [rows]));
    });
  }

  /** [..., length, size] → [..., heads, length, size / heads] */
  #intoHeads(x: Tensor): Tensor {
    const [length, size] = x.shape.slice(-2) as [number, number];
    const batch = x.shape.slice(0, -2);
    const parts = reshape(x, [...batch, length, this.heads, size / this.heads]);
    return swapAxes(parts, -2, -3);
  }
}
