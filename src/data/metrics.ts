/** How good predictions are: numbers, computed on the host from tensors that have been read. */
import { valuesOf } from "../reading.js";
import { formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";

/** Labels as a tensor [n] of i32, or as numbers. */
export type Labels = Tensor | ArrayLike<number>;

const isTensor = (value: unknown): value is Tensor =>
  typeof value === "object" && value !== null && "dtype" in value;

function labelsOf(op: string, labels: Labels): ArrayLike<number> {
  if (!isTensor(labels)) return labels;
  if (labels.dtype !== "i32" || labels.rank !== 1)
    throw new TypeError(`${op}: labels are no labels: got ${labels}, expected i32 [n]`);
  return valuesOf(op, labels);
}

function checkCounts(op: string, predictions: number, labels: number): void {
  if (predictions !== labels)
    throw new RangeError(
      `${op}: counts differ: got ${predictions} predictions and ${labels} labels, expected as many`,
    );
}

function scoresOf(
  op: string,
  scores: Tensor,
): { rows: number; cols: number; at: ArrayLike<number> } {
  const [rows, cols] = scores.shape;
  if (scores.rank !== 2 || !cols)
    throw new RangeError(
      `${op}: scores are no table: got ${formatShape(scores.shape)}, expected [n, classes]`,
    );
  return { rows: rows as number, cols, at: valuesOf(op, scores) };
}

/** The class of the greatest score in each row of [n, classes]: the first of ties; NaN wins. */
export function predictions(scores: Tensor): Int32Array {
  const { rows, cols, at } = scoresOf("predictions", scores);
  return Int32Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let col = 1; col < cols; col++) {
      const [score, top] = [at[row * cols + col] as number, at[row * cols + best] as number];
      if (score > top || (Number.isNaN(score) && !Number.isNaN(top))) best = col;
    }
    return best;
  });
}

/** Predicted classes: labels as they are, or the greatest of scores [n, classes]. */
const predicted = (op: string, given: Labels): ArrayLike<number> =>
  isTensor(given) && given.rank === 2 ? predictions(given) : labelsOf(op, given);

/**
 * The part of the predictions (classes [n], or scores [n, classes]) that are right; NaN for none at
 * all.
 */
export function accuracy(given: Labels, labels: Labels): number {
  const [got, want] = [predicted("accuracy", given), labelsOf("accuracy", labels)];
  checkCounts("accuracy", got.length, want.length);
  let right = 0;
  for (let row = 0; row < want.length; row++) if (got[row] === want[row]) right++;
  return right / want.length;
}

/**
 * The part of the rows of scores [n, classes] whose label is among the k greatest: fewer than k
 * scores are greater than the label's, or equal and before it. A label whose score is NaN is not.
 */
export function topKAccuracy(scores: Tensor, labels: Labels, k: number): number {
  const { rows, cols, at } = scoresOf("topKAccuracy", scores);
  const want = labelsOf("topKAccuracy", labels);
  checkCounts("topKAccuracy", rows, want.length);
  if (!Number.isInteger(k) || k < 1 || k > cols)
    throw new RangeError(
      `topKAccuracy: bad k: got ${k}, expected a whole number from 1 to ${cols}`,
    );
  let right = 0;
  for (let row = 0; row < rows; row++) {
    const label = checkLabel("topKAccuracy", want[row] as number, row, cols);
    const own = at[row * cols + label] as number;
    let before = 0;
    for (let col = 0; col < cols; col++) {
      const score = at[row * cols + col] as number;
      if (score > own || (score === own && col < label)) before++;
    }
    if (before < k && !Number.isNaN(own)) right++;
  }
  return right / rows;
}

/** counts[label][prediction] over all rows; predictions as classes [n] or scores [n, classes]. */
export function confusionMatrix(given: Labels, labels: Labels, classes: number): number[][] {
  const [got, want] = [predicted("confusionMatrix", given), labelsOf("confusionMatrix", labels)];
  checkCounts("confusionMatrix", got.length, want.length);
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let row = 0; row < want.length; row++) {
    const label = checkLabel("confusionMatrix", want[row] as number, row, classes);
    const prediction = checkLabel("confusionMatrix", got[row] as number, row, classes);
    (counts[label] as number[])[prediction] = (counts[label]?.[prediction] as number) + 1;
  }
  return counts;
}

function checkLabel(op: string, label: number, row: number, classes: number): number {
  if (!Number.isInteger(label) || label < 0 || label >= classes)
    throw new RangeError(
      `${op}: label ${label} at row ${row} is out of range: expected 0 ≤ label < ${classes}`,
    );
  return label;
}
