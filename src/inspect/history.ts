/**
 * What `monitor` has seen of a training run: plain data, to be stored, drawn and compared. JSON
 * writes NaN and infinities as null.
 */
import type { Shape } from "../shape.js";

/** Counts between edges: `counts[k]` values lie in edges[k] ≤ x < edges[k + 1], the last in ≤. */
export interface Histogram {
  /** One more than there are counts, equally far apart. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/** Of all entries of one tensor; infinities and NaNs are counted and otherwise left out. */
export interface Spread {
  readonly mean: number;
  /** Divided by the number of entries, not by one less. */
  readonly std: number;
  readonly min: number;
  readonly max: number;
}

/** A Parameter that was trained, in the order in which the step reads them. */
export interface LayerRecord {
  /** Its key, as in `stateDict()`: "0.weight"; its name where no module has it. */
  readonly key: string;
  readonly shape: Shape;
  /** ‖∂loss/∂parameter‖, the Euclidean norm, before any clipping. */
  readonly gradientNorm: number;
  /** ‖parameter‖ before the update. */
  readonly weightNorm: number;
  /** ‖new − old‖ of this step. */
  readonly updateNorm: number;
  /** updateNorm / weightNorm; NaN for 0 / 0. */
  readonly updateRatio: number;
}

/** What an activation function gave in the forward pass. */
export interface ActivationRecord extends Spread {
  /** The module and the op: "1 relu"; the op alone outside modules; a number where it repeats. */
  readonly key: string;
  readonly op: string;
  readonly shape: Shape;
  readonly histogram: Histogram;
  /** Fraction of entries that are 0. */
  readonly zeros: number;
  /**
   * Of ReLU: the fraction of units that are 0 for the whole batch. A unit is an entry of [batch,
   * units], a channel of [batch, channels, …].
   */
  readonly dead: number | undefined;
  /** Of sigmoid: the fraction outside 0.03 … 0.97; of tanh: beyond ±0.97. */
  readonly saturated: number | undefined;
  /** Entries that are NaN or infinite. */
  readonly nonFinite: number;
}

/** What a batch norm saw. */
export interface NormRecord {
  /** Of the module. */
  readonly key: string;
  readonly channels: number;
  /** Over the channels: the batch's means and (biased) variances. */
  readonly mean: Spread;
  readonly variance: Spread;
  /** Over the channels: the running ones before the step; undefined where none are kept. */
  readonly runningMean: Spread | undefined;
  readonly runningVariance: Spread | undefined;
}

export interface Warning {
  readonly kind:
    | "vanishing"
    | "exploding"
    | "dead"
    | "saturated"
    | "rate"
    | "initialLoss"
    | "nonFinite";
  /** The layer or activation it is about; "" for the whole. */
  readonly key: string;
  /** With the numbers, and what to do. */
  readonly text: string;
}

/** One monitored call. */
export interface MonitorRecord {
  /** Calls before this one: the first is 0. */
  readonly step: number;
  /** The scalar that was differentiated. */
  readonly loss: number;
  readonly layers: readonly LayerRecord[];
  readonly activations: readonly ActivationRecord[];
  readonly norms: readonly NormRecord[];
  readonly warnings: readonly Warning[];
}

/** In the order of the calls. */
export type History = readonly MonitorRecord[];
