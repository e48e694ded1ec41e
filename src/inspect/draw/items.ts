/** The things of a level before they have places: gates, groups, names at either end of wires. */
import type { CircuitData, Gate, Term, Wire } from "../types.js";
import { counted } from "../words.js";
import type { Box, Net } from "./drawing.js";
import { LINE, nameWidth, textWidth } from "./labels.js";
import type { Group, Level } from "./scene.js";
import { gateKey, wireKey } from "./scene.js";
import { numbersOperands, signOf } from "./symbols.js";

const RADIUS = 19;
const HEIGHT = 32;
const MARGIN = 12;
const DOT = 7;
/** Height of a place at which a wire comes in or leaves. */
const PORT = 10;
/** Between wires that arrive at the same gate. */
const PITCH = 16;

export interface Item {
  readonly key: string;
  readonly width: number;
  readonly height: number;
  /** Heights, from its top, at which wires arrive and leave; undefined where the layout may choose. */
  readonly ins: readonly number[] | undefined;
  readonly outs: readonly number[] | undefined;
  readonly isRound: boolean;
  /** Whether its operands carry their numbers. */
  readonly isOrdered: boolean;
  /** Whether lines that arrive end in arrows. */
  readonly hasTips: boolean;
  /** The box itself; undefined for what is not drawn. */
  readonly box: Omit<Box, "x" | "y" | "width" | "height" | "ordinals"> | undefined;
  /** What is in it, with places from its upper left corner on. */
  readonly boxes: readonly Box[];
  readonly nets: readonly Net[];
}

const ITEM = {
  ins: undefined,
  outs: undefined,
  isRound: false,
  isOrdered: false,
  hasTips: false,
  boxes: [],
  nets: [],
};

const BOX = { subtitle: "", open: undefined, gate: undefined, group: undefined, wire: undefined };

/** A gate as one sign. */
export function gateItem({ scene: { circuit, path } }: Level, gate: Gate): Item {
  const title = signOf(gate.name);
  const subtitle = gate.attributes;
  const open = gate.inside ? false : undefined;
  const isOrdered = numbersOperands(gate.name, gate.inputs.length);
  const isRound = title.length <= 2 && subtitle === "" && open === undefined && !isOrdered;
  const text = Math.max(nameWidth(title), textWidth(subtitle));
  const height = Math.max(HEIGHT + (subtitle === "" ? 0 : LINE), PITCH * gate.inputs.length + 8);
  const key = gateKey(path, gate.id);
  return {
    ...ITEM,
    key,
    width: isRound ? 2 * RADIUS : text + 2 * MARGIN + (isOrdered || open === false ? 22 : 0),
    height: isRound ? 2 * RADIUS : height,
    isRound,
    isOrdered,
    hasTips: true,
    box: { ...BOX, key, kind: "gate", title, subtitle, open, circuit, gate },
  };
}

/** A closed group. */
export function groupItem({ scene: { circuit, homes } }: Level, group: Group): Item {
  const { key, title, first, end } = group;
  const inside = [...homes.values()].filter((home) => first <= home.first && home.end <= end);
  const parameters = inside.length > 0 ? `, ${counted(inside.length, "parameter")}` : "";
  const subtitle = `${counted(end - first, "gate")}${parameters}`;
  return {
    ...ITEM,
    key,
    width: Math.max(nameWidth(title), textWidth(subtitle)) + 2 * MARGIN + 22,
    height: HEIGHT + LINE + 8,
    hasTips: true,
    box: { ...BOX, key, kind: "group", title, subtitle, open: false, circuit, group },
  };
}

/** A name at the beginning or the end of a wire. */
export function nameItem(level: Level, wire: Wire, kind: "source" | "sink", key: string): Item {
  const { circuit } = level.scene;
  return {
    ...ITEM,
    key,
    width: nameWidth(wire.label) + 2 * MARGIN,
    height: 26,
    box: { ...BOX, key, kind, title: wire.label, circuit, wire },
  };
}

/** Where a wire forks, or ends without a use. */
export function dotItem({ scene: { circuit, path } }: Level, wire: Wire, isFork: boolean): Item {
  const kind = isFork ? "fork" : "unused";
  const key = `${wireKey(path, wire.id)}:${kind}`;
  const box = { ...BOX, key, kind, title: "", circuit, wire } as const;
  return { ...ITEM, key, width: DOT, height: DOT, box };
}

/** A place at the side of the level at which a wire comes in or leaves. */
export const portItem = (key: string): Item => ({
  ...ITEM,
  key,
  width: 1,
  height: PORT,
  box: undefined,
});

/** An open group or an open gate: a frame around what is in it. */
export function frameItem(
  closed: Item,
  inside: Pick<Item, "width" | "height" | "ins" | "outs" | "boxes" | "nets">,
): Item {
  const { box } = closed;
  return {
    ...closed,
    ...inside,
    isRound: false,
    isOrdered: false,
    hasTips: false,
    box: box && { ...box, open: true },
  };
}

/** Heights of wires at the side of a box: `rank` of `count`, around its middle. */
export const portHeight = (height: number, rank: number, count: number): number =>
  height / 2 + (rank - (count - 1) / 2) * Math.min(PITCH, (height - 8) / count);

/** Terms of a wire that come back through some of its uses. */
export const termsOf = (
  circuit: CircuitData,
  wire: number,
  isOne: (term: Term) => boolean,
): Term[] => (circuit.wires[wire] as Wire).terms.filter(isOne);
