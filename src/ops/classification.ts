/**
 * Losses of classes. The plain one is a fused kernel (`loss.ts`); weights, smoothing, ignored rows
 * and probabilities as targets are made of it and of the log-softmax.
 */
import { checkOptions } from "../describe.js";
import { formatShape, type Shape, sameShape } from "../shape.js";
import { checkTensors, record1 } from "../tape.js";
import { type FloatDtype, isFloat, type Tensor } from "../tensor.js";
import { cast, ne, where } from "./compare.js";
import { checkFloat } from "./create.js";
import { add, div, mul, neg, relu, square, sub } from "./elementwise.js";
import { gatherOp, indexSelect, oneHot } from "./indexing.js";
import { labelLosses } from "./loss.js";
import { sum } from "./reduce.js";
import { checkReduction, type LossOptions, type Reduction, reduced } from "./reduction.js";
import { reshape, transpose } from "./shape.js";
import { logSoftmax } from "./softmax.js";

export interface ClassOptions extends LossOptions {
  /** One for each class: multiplies the losses; "mean" divides by the weights of the rows' labels. */
  readonly weight?: Tensor;
  /** Rows with this label count for nothing; none by default. */
  readonly ignoreIndex?: number;
}

export interface CrossEntropyOptions extends ClassOptions {
  /** The part s of the target that is spread evenly: (1 − s)·target + s / classes. */
  readonly labelSmoothing?: number;
}

/** Scores [n, classes], labels [n], and the shape of what belongs to each row. */
interface Rows {
  readonly scores: Tensor;
  readonly labels: Tensor;
  readonly shape: Shape;
  readonly classes: number;
}

/** Classes last: [n, c, d…] → [n, d…, c] → [rows, c]; [c] → [1, c]. */
function classesLast(x: Tensor): Tensor {
  if (x.rank === 1) return reshape(x, [1, x.size]);
  const classes = x.shape[1] as number;
  const order = [0, ...x.shape.map((_, axis) => axis).slice(2), 1];
  return reshape(transpose(x, order), [classes === 0 ? 0 : x.size / classes, classes]);
}

const withoutClasses = (shape: Shape): Shape =>
  shape.filter((_, axis) => axis !== (shape.length > 1 ? 1 : 0));

const CLASS_OPTIONS = ["reduction", "weight", "ignoreIndex"];

function checkScores(op: string, name: string, { shape, dtype }: Tensor): void {
  if (!isFloat(dtype))
    throw new TypeError(`${op}: ${name} are not floats: got ${dtype}, expected f32 or f64`);
  if (shape.length === 0 || (shape[1] ?? shape[0]) === 0)
    throw new RangeError(
      `${op}: no classes: got ${name} ${formatShape(shape)}, expected at least one`,
    );
}

function rowsOf(op: string, name: string, scores: Tensor, labels: Tensor): Rows {
  checkScores(op, name, scores);
  const shape = withoutClasses(scores.shape);
  if (!sameShape(labels.shape, shape))
    throw new RangeError(
      `${op}: shapes do not fit: got ${name} ${formatShape(scores.shape)} and labels ${formatShape(labels.shape)}, ` +
        "expected [n, classes] and [n], or [n, classes, …] and [n, …]",
    );
  if (labels.dtype !== "i32")
    throw new TypeError(
      `${op}: labels are not integers: got ${labels.dtype}, expected i32; write tensor(labels, { dtype: "i32" })`,
    );
  const rows = classesLast(scores);
  return {
    scores: rows,
    labels: reshape(labels, [labels.size]),
    shape,
    classes: rows.shape[1] as number,
  };
}

function checkWeight(op: string, weight: Tensor | undefined, classes: number): void {
  if (weight) checkTensors(op, weight);
  if (weight && !sameShape(weight.shape, [classes]))
    throw new RangeError(
      `${op}: weight does not fit: got ${formatShape(weight.shape)}, expected [${classes}], one for each class`,
    );
}

/** Labels that may be looked up, and which rows count: undefined for all of them. */
function counted(labels: Tensor, ignoreIndex: number | undefined) {
  if (ignoreIndex === undefined) return { labels, counts: undefined };
  const counts = ne(labels, ignoreIndex);
  return { labels: where(counts, labels, 0), counts };
}

interface Weighted {
  readonly losses: Tensor;
  /** Of each row: its label's, and 0 where it is ignored; undefined where all are 1. */
  readonly weights: Tensor | undefined;
}

function finish({ losses, weights }: Weighted, shape: Shape, reduction: Reduction): Tensor {
  if (reduction === "none") return reshape(losses, shape);
  if (reduction === "sum" || !weights) return reduced(losses, reduction);
  return div(sum(losses), sum(weights));
}

/** Each row's weight by its label, and 0 where it does not count. */
function rowWeights(
  weight: Tensor | undefined,
  labels: Tensor,
  counts: Tensor | undefined,
  dtype: FloatDtype,
): Tensor | undefined {
  const own = weight && indexSelect(weight, 0, labels);
  if (!counts) return own;
  return own ? where(counts, own, 0) : cast(counts, dtype);
}

/**
 * Softmax cross-entropy: −ln softmax(logits)[label]. Logits [n, classes, …] with labels i32 [n, …],
 * or with probabilities of the logits' shape; one example [classes] with a scalar label. With weights
 * wᶜ and smoothing s, as PyTorch: (1 − s)·w_label·loss − s / classes · Σ wᶜ ln softmaxᶜ. "mean" is NaN
 * where every row is ignored. A label out of range throws when the value is computed, before anything
 * is changed.
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  options: CrossEntropyOptions = {},
): Tensor {
  checkTensors("crossEntropy", logits, targets);
  checkOptions("crossEntropy", options, [...CLASS_OPTIONS, "labelSmoothing"]);
  const { weight, ignoreIndex, labelSmoothing = 0 } = options;
  const reduction = checkReduction("crossEntropy", options.reduction);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new RangeError(
      `crossEntropy: bad labelSmoothing: got ${labelSmoothing}, expected 0 ≤ labelSmoothing ≤ 1`,
    );
  if (isFloat(targets.dtype) && targets.rank === logits.rank)
    return softCrossEntropy(logits, targets, weight, labelSmoothing, reduction);
  const { scores, labels, shape, classes } = rowsOf("crossEntropy", "logits", logits, targets);
  checkWeight("crossEntropy", weight, classes);
  if (!weight && ignoreIndex === undefined && labelSmoothing === 0)
    return finish({ losses: labelLosses(scores, labels), weights: undefined }, shape, reduction);
  const { labels: safe, counts } = counted(labels, ignoreIndex);
  const weights = rowWeights(weight, safe, counts, scores.dtype as FloatDtype);
  let losses = labelLosses(scores, safe);
  if (weight) losses = mul(losses, indexSelect(weight, 0, safe));
  if (labelSmoothing > 0) {
    const logs = logSoftmax(scores);
    const spread = neg(sum(weight ? mul(logs, weight) : logs, 1));
    losses = add(mul(losses, 1 - labelSmoothing), mul(spread, labelSmoothing / classes));
  }
  return finish({ losses: counts ? where(counts, losses, 0) : losses, weights }, shape, reduction);
}

function softCrossEntropy(
  logits: Tensor,
  targets: Tensor,
  weight: Tensor | undefined,
  smoothing: number,
  reduction: Reduction,
): Tensor {
  checkScores("crossEntropy", "logits", logits);
  if (!sameShape(logits.shape, targets.shape))
    throw new RangeError(
      `crossEntropy: shapes do not fit: got logits ${formatShape(logits.shape)} and probabilities ${formatShape(targets.shape)}, expected equal ones`,
    );
  const logs = logSoftmax(classesLast(logits));
  const classes = logs.shape[1] as number;
  checkWeight("crossEntropy", weight, classes);
  const given = classesLast(targets);
  const wanted = smoothing === 0 ? given : add(mul(given, 1 - smoothing), smoothing / classes);
  const losses = neg(sum(mul(wanted, weight ? mul(logs, weight) : logs), 1));
  return finish({ losses, weights: undefined }, withoutClasses(logits.shape), reduction);
}

/** The score of each row's label: scores [n, classes], labels [n] → [n]. */
function picked(op: string, scores: Tensor, labels: Tensor): Tensor {
  const indices = reshape(labels, [labels.size, 1]);
  return reshape(record1(gatherOp, [scores, indices], { axis: 1, op }), [labels.size]);
}

/** −logProbabilities[label], as after `logSoftmax`; shapes and options as `crossEntropy`. */
export function nllLoss(
  logProbabilities: Tensor,
  labels: Tensor,
  options: ClassOptions = {},
): Tensor {
  checkTensors("nllLoss", logProbabilities, labels);
  checkOptions("nllLoss", options, CLASS_OPTIONS);
  const { weight, ignoreIndex } = options;
  const reduction = checkReduction("nllLoss", options.reduction);
  const rows = rowsOf("nllLoss", "log-probabilities", logProbabilities, labels);
  checkWeight("nllLoss", weight, rows.classes);
  const { labels: safe, counts } = counted(rows.labels, ignoreIndex);
  const weights = rowWeights(weight, safe, counts, rows.scores.dtype as FloatDtype);
  let losses = neg(picked("nllLoss", rows.scores, safe));
  if (weight) losses = mul(losses, indexSelect(weight, 0, safe));
  return finish(
    { losses: counts ? where(counts, losses, 0) : losses, weights },
    rows.shape,
    reduction,
  );
}

export interface MultiMarginOptions extends LossOptions {
  readonly p?: 1 | 2;
  readonly margin?: number;
  /** One for each class, by the row's label. */
  readonly weight?: Tensor;
  /** Whether a row's sum is divided by the number of classes, as PyTorch does and CS231n does not. */
  readonly average?: boolean;
}

/**
 * The multi-class hinge of a support-vector machine (Crammer & Singer 2001): Σ max(0, margin − x_label
 * + xᶜ)ᵖ over the other classes, divided by their number with the label's. Scores [n, classes],
 * labels i32 [n]. At the margin exactly the derivative is 0.
 */
export function multiMargin(
  scores: Tensor,
  labels: Tensor,
  options: MultiMarginOptions = {},
): Tensor {
  checkTensors("multiMargin", scores, labels);
  checkOptions("multiMargin", options, ["reduction", "p", "margin", "weight", "average"]);
  const { p = 1, margin = 1, weight, average = true } = options;
  const reduction = checkReduction("multiMargin", options.reduction);
  if (p !== 1 && p !== 2) throw new RangeError(`multiMargin: bad p: got ${p}, expected 1 or 2`);
  const rows = rowsOf("multiMargin", "scores", scores, labels);
  const { classes } = rows;
  checkWeight("multiMargin", weight, classes);
  checkFloat("multiMargin", rows.scores.dtype);
  const own = reshape(picked("multiMargin", rows.scores, rows.labels), [rows.labels.size, 1]);
  const violations = add(sub(rows.scores, own), margin);
  // The label's own term is no violation.
  const others = sub(1, oneHot(rows.labels, classes, { dtype: rows.scores.dtype }));
  const hinge = where(ne(others, 0), violations, 0);
  let terms = p === 2 ? square(relu(hinge)) : relu(hinge);
  if (weight) terms = mul(terms, reshape(indexSelect(weight, 0, rows.labels), [-1, 1]));
  const losses = sum(terms, 1);
  return finish(
    { losses: average ? div(losses, classes) : losses, weights: undefined },
    rows.shape,
    reduction,
  );
}
