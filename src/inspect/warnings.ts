/**
 * When training goes wrong, in words. The thresholds are rules of thumb: an update of a thousandth of
 * the weights is healthy (Karpathy, CS231n notes, "Ratio of weights:updates"), a tenth is not; a
 * gradient that shrinks or grows a thousandfold from the last layer to the first has vanished or
 * exploded (Bengio et al. 1994; Glorot & Bengio 2010); a network that knows nothing gives each of C
 * classes 1/C, a loss of ln C.
 */
import { sizeOf } from "../shape.js";
import type { LayerRecord, MonitorRecord, Warning } from "./history.js";

/** First layer's gradient against the last's, per entry. */
const VANISHED = 1e-3;
const EXPLODED = 1e3;
/** The gradient of all against the median of the run. */
const JUMP = 100;
/** Records that make a median. */
const ENOUGH = 5;
const DEAD = 0.5;
const SATURATED = 0.5;
const RATE = 0.1;
/** Of the first step: Adam's is lr for every weight, whatever the gradient, and may do no harm. */
const FIRST_RATE = 0.3;
/** The first loss against ln C. */
const LOSS = 1.5;

/** What is known beside the record. */
export interface Context {
  /** Mean of the cross-entropy's rows, and its classes; undefined for other losses. */
  readonly crossEntropy: { readonly mean: number; readonly classes: number } | undefined;
  /** The records before. */
  readonly history: readonly MonitorRecord[];
}

const short = (x: number): string => String(Number(x.toPrecision(3)));
const percent = (fraction: number): string => `${short(100 * fraction)} %`;

/** Root mean square: comparable between layers of different sizes. */
const perEntry = ({ gradientNorm, shape }: LayerRecord): number =>
  gradientNorm / Math.sqrt(sizeOf(shape));

const globalNorm = (layers: readonly LayerRecord[]): number => {
  let square = 0;
  for (const { gradientNorm } of layers) square += gradientNorm * gradientNorm;
  return Math.sqrt(square);
};

function* gradientWarnings(
  { layers, activations }: Omit<MonitorRecord, "warnings">,
  history: Context["history"],
) {
  const weights = layers.filter(({ shape }) => shape.length >= 2);
  const [first, last] = [weights[0], weights.at(-1)];
  if (first && last && first !== last) {
    const ratio = perEntry(first) / perEntry(last);
    const numbers = `${short(perEntry(first))} per entry against ${short(perEntry(last))} in ${last.key}`;
    // Where units are dead, that is why, and is said.
    if (ratio < VANISHED && !activations.some(({ dead = 0 }) => dead >= DEAD))
      yield warning(
        "vanishing",
        first.key,
        `the gradient vanishes on its way to ${first.key}: ${numbers}; use ReLU instead of saturating ` +
          "activations, batch or layer norm, residual connections, or another initialisation",
      );
    if (ratio > EXPLODED)
      yield warning(
        "exploding",
        first.key,
        `the gradient explodes on its way to ${first.key}: ${numbers}; clip it, normalise, or initialise smaller`,
      );
  }
  const before = history.map((record) => globalNorm(record.layers)).sort((a, b) => a - b);
  const median = before[before.length >> 1] ?? 0;
  const now = globalNorm(layers);
  if (before.length >= ENOUGH && now > JUMP * median)
    yield warning(
      "exploding",
      "",
      `the gradient has grown to ${short(now)}, the median so far is ${short(median)}: clip it, or lower the learning rate`,
    );
}

const warning = (kind: Warning["kind"], key: string, text: string): Warning => ({
  kind,
  key,
  text,
});

/** What a record warns of. */
export function* warningsOf(
  record: Omit<MonitorRecord, "warnings">,
  { crossEntropy, history }: Context,
): Generator<Warning> {
  const { layers, activations, step } = record;
  if (!Number.isFinite(record.loss))
    yield warning(
      "nonFinite",
      "",
      `the loss is ${record.loss}: firstBadOp(step, inputs) names the op that made it so`,
    );
  if (step === 0 && crossEntropy && crossEntropy.classes > 1) {
    const { mean, classes } = crossEntropy;
    const uniform = Math.log(classes);
    if (mean > LOSS * uniform || mean < uniform / LOSS)
      yield warning(
        "initialLoss",
        "",
        `the first loss is ${short(mean)}, and would be ln ${classes} = ${short(uniform)} for a network that knows nothing: ` +
          (mean > uniform
            ? "it is confident and wrong; scale the inputs, or initialise the last layer smaller"
            : "it is trained already, or the labels are in its input"),
      );
  }
  yield* gradientWarnings(record, history);
  for (const { key, shape, updateRatio, weightNorm, updateNorm } of layers)
    if (shape.length >= 2 && updateRatio > (step === 0 ? FIRST_RATE : RATE))
      yield warning(
        "rate",
        key,
        `the learning rate is high for ${key}: one step moves it by ${short(updateNorm)}, ${percent(updateRatio)} of ` +
          `its norm of ${short(weightNorm)}, about 0.1 % is healthy; lower the rate`,
      );
  for (const { key, op, dead, saturated, nonFinite, zeros } of activations) {
    if (nonFinite > 0)
      yield warning(
        "nonFinite",
        key,
        `${nonFinite} entries of ${key} are NaN or infinite: firstBadOp(step, inputs) names the op that made them`,
      );
    if (dead !== undefined && dead >= DEAD)
      yield warning(
        "dead",
        key,
        `${percent(dead)} of the units of ${key} are 0 for the whole batch, and ${percent(zeros)} of all entries: they ` +
          "get no gradient; lower the learning rate, initialise with a bias ≥ 0, or use LeakyReLU",
      );
    if (saturated !== undefined && saturated >= SATURATED)
      yield warning(
        "saturated",
        key,
        `${percent(saturated)} of ${key} are saturated, ${op === "tanh" ? "beyond ±0.97" : "below 0.03 or above 0.97"}: ` +
          "the gradient hardly passes; initialise smaller, normalise before it, or use ReLU",
      );
  }
}
