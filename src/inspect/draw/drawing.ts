/** What the layout hands to whoever draws: boxes, lines and labels with their places, in pixels. */
import type { CircuitData, Gate, Wire } from "../types.js";
import type { Label } from "./labels.js";
import type { Group } from "./scene.js";

/** To a tenth of a pixel: more is not seen, and makes files longer. */
export const round = (value: number): number => Math.round(10 * value) / 10;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Something that stands in its own rectangle; x and y are the upper left corner. */
export interface Box {
  readonly key: string;
  readonly kind: "gate" | "group" | "source" | "sink" | "unused" | "fork";
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** Smaller text below the title; "" for none. */
  readonly subtitle: string;
  /** Whether it shows what is in it; undefined for what cannot be opened. */
  readonly open: boolean | undefined;
  readonly circuit: CircuitData;
  readonly gate: Gate | undefined;
  readonly group: Group | undefined;
  readonly wire: Wire | undefined;
  /** Where operands arrive that have numbers: at the left side. */
  readonly ordinals: readonly { readonly y: number; readonly text: string }[];
}

export interface PlacedLabel {
  /** The middle of the box, on the wire. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly label: Label;
}

/** A level stretch of a line, from left to right; curves join it to the next. */
export interface Run {
  readonly from: number;
  readonly to: number;
  readonly y: number;
}

/** One wire in one level of the drawing: a stem, and branches where it forks. */
export interface Net {
  readonly key: string;
  readonly circuit: CircuitData;
  readonly path: string;
  readonly wire: Wire;
  readonly lines: readonly (readonly Run[])[];
  /** Points of arrows, which look to the right. */
  readonly tips: readonly Point[];
  readonly label: PlacedLabel | undefined;
  /** What comes back along each branch of a fork. */
  readonly branches: readonly PlacedLabel[];
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly nets: readonly Net[];
}
