/** A level of a drawing: boxes and lines at the places that were found for them. */
import type { Wire } from "../types.js";
import { type Box, type Net, type PlacedLabel, type Point, type Run, round } from "./drawing.js";
import { type Item, portHeight } from "./items.js";
import { labelSize, textWidth } from "./labels.js";
import type { Link, Ways } from "./links.js";
import { type Dagre, layOut, type Traced } from "./ranks.js";
import { type Level, wireKey } from "./scene.js";

/** Inside of a frame, and around the whole drawing. */
const PADDING = 14;
const HEADER = 28;

/** A level with places from its own upper left corner on. */
export type Placed = Pick<Item, "boxes" | "nets" | "width" | "height"> & {
  readonly ins: readonly number[];
  readonly outs: readonly number[];
};

/** `title` is that of the frame around the level; "" without a frame. */
export function place(
  level: Level,
  title: string,
  items: ReadonlyMap<string, Item>,
  ways: ReadonlyMap<number, Ways>,
  links: readonly Link[],
  dagre: Dagre,
): Placed {
  const { places, traced } = layOut(items, links, dagre);
  const frame = frameOf(title, items, places, traced);
  const ports = { ins: portsOf(items, traced, "to"), outs: portsOf(items, traced, "from") };
  const boxes: Box[] = [];
  const nets: Net[] = [];
  for (const [key, item] of items) {
    const { x, y } = places.get(key) as Point;
    const corner = inFrame(frame, { x: x - item.width / 2, y: y - item.height / 2 });
    if (item.box)
      boxes.push({ ...item.box, ...corner, ...boxOf(item, corner, ports.ins.get(key)) });
    boxes.push(...item.boxes.map((box) => movedBox(box, corner)));
    nets.push(...item.nets.map((net) => movedNet(net, corner)));
  }
  const half = halvesOf(items, places, traced);
  const lineOf = ({ link, between }: Traced): Line => {
    const [from, to] = [items.get(link.from) as Item, items.get(link.to) as Item];
    const [a, b] = [places.get(link.from) as Point, places.get(link.to) as Point];
    const dyFrom = ports.outs.get(link.from)?.get(link.fromPort) ?? from.height / 2;
    const dyTo = ports.ins.get(link.to)?.get(link.toPort) ?? to.height / 2;
    const begin = link.from.startsWith("in ") ? frame.left : a.x + reach(from, dyFrom);
    const end = link.to.startsWith("out ") ? frame.left + frame.width : b.x - reach(to, dyTo);
    const yTo = b.y - to.height / 2 + dyTo;
    const runs = [
      { from: begin, to: a.x + half(a.x), y: a.y - from.height / 2 + dyFrom },
      ...between.map(({ x, y }) => ({ from: x - half(x), to: x + half(x), y })),
      { from: b.x - half(b.x), to: end, y: yTo },
    ];
    const line = runs.map((run) => movedRun(run, { x: -frame.left, y: -frame.top }));
    return { line, tip: to.hasTips ? inFrame(frame, { x: end, y: yTo }) : undefined };
  };
  for (const { wire } of ways.values()) {
    const own = traced.filter(({ link }) => link.wire === wire.id);
    nets.push(netOf(level, wire, own, own.map(lineOf), frame));
  }
  const heights = (side: "in" | "out", count: number): number[] =>
    Array.from({ length: count }, (_, k) => {
      const port = places.get(`${side} ${k}`) as Point;
      return inFrame(frame, port).y;
    });
  return {
    width: round(frame.width),
    height: round(frame.height),
    boxes,
    nets,
    ins: heights("in", level.ins.length),
    outs: heights("out", level.outs.length),
  };
}

/** The rectangle of a level, where the layout has put it. */
interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Around all that has a place: items and labels, the ranks that lines go through, and the title. */
function frameOf(
  title: string,
  items: ReadonlyMap<string, Item>,
  places: ReadonlyMap<string, Point>,
  traced: readonly Traced[],
): Frame {
  const corners: Point[] = [];
  const hold = ({ x, y }: Point, { width, height }: { width: number; height: number }): void => {
    corners.push({ x: x - width / 2, y: y - height / 2 }, { x: x + width / 2, y: y + height / 2 });
  };
  for (const [key, item] of items) hold(places.get(key) as Point, item);
  for (const { link, at, between } of traced) {
    hold(at, labelSize(link.label));
    corners.push(...between);
  }
  const header = title === "" ? 0 : HEADER;
  const left = Math.min(...corners.map(({ x }) => x), 0) - PADDING;
  const top = Math.min(...corners.map(({ y }) => y), 0) - PADDING - header;
  // Beside the title there is the sign that closes.
  const least = title === "" ? 0 : textWidth(title) + 2 * PADDING + 24;
  const width = Math.max(Math.max(...corners.map(({ x }) => x), 0) + PADDING - left, least);
  const height = Math.max(...corners.map(({ y }) => y), 0) + PADDING - top;
  return { left, top, width, height };
}

/** A point of the layout, counted from the upper left corner of its frame. */
const inFrame = ({ left, top }: Frame, { x, y }: Point): Point => ({
  x: round(x - left),
  y: round(y - top),
});

/** The size of an item's box, and the numbers of its operands. */
function boxOf(
  { width, height, isOrdered }: Item,
  corner: Point,
  heights: ReadonlyMap<number, number> = new Map(),
): Pick<Box, "width" | "height" | "ordinals"> {
  const ordinals = isOrdered
    ? [...heights].map(([port, dy]) => ({ y: round(corner.y + dy), text: String(port + 1) }))
    : [];
  return { width: round(width), height: round(height), ordinals };
}

interface Line {
  readonly line: readonly Run[];
  /** Of the arrow in which it ends. */
  readonly tip: Point | undefined;
}

/** A wire of the level, drawn as `lines`, one for each of `own`. */
function netOf(
  { scene: { circuit, path } }: Level,
  wire: Wire,
  own: readonly Traced[],
  lines: readonly Line[],
  frame: Frame,
): Net {
  const labelOf = ({ link: { label }, at }: Traced): PlacedLabel[] =>
    label.above.length + label.below.length === 0
      ? []
      : [{ ...inFrame(frame, at), ...labelSize(label), label }];
  return {
    key: wireKey(path, wire.id),
    circuit,
    path,
    wire,
    lines: lines.map(({ line }) => line),
    tips: lines.flatMap(({ tip }) => tip ?? []),
    label: own.filter(({ link }) => !link.isBranch).flatMap(labelOf)[0],
    branches: own.filter(({ link }) => link.isBranch).flatMap(labelOf),
  };
}

/** How far an item reaches from its middle to the side, at a height from its top. */
function reach({ width, height, isRound }: Item, dy: number): number {
  if (!isRound) return width / 2;
  const radius = width / 2;
  return Math.sqrt(Math.max(0, radius * radius - (dy - height / 2) ** 2));
}

/** Half of the width of the rank whose middle is at an x. */
function halvesOf(
  items: ReadonlyMap<string, Item>,
  places: ReadonlyMap<string, Point>,
  traced: readonly Traced[],
): (x: number) => number {
  const halves = new Map<number, number>();
  const widen = (x: number, width: number): void => {
    const rank = Math.round(x);
    halves.set(rank, Math.max(halves.get(rank) ?? 0, width / 2));
  };
  for (const [key, { width }] of items) widen((places.get(key) as Point).x, width);
  for (const { link, at } of traced) widen(at.x, labelSize(link.label).width);
  return (x) => halves.get(Math.round(x)) ?? 0;
}

/** For every item, the height from its top of each of its ports at one side, least crossings first. */
function portsOf(
  items: ReadonlyMap<string, Item>,
  traced: readonly Traced[],
  side: "from" | "to",
): Map<string, Map<number, number>> {
  const arriving = new Map<string, { port: number; y: number }[]>();
  for (const { link, between } of traced) {
    const y = between.at(side === "from" ? 0 : -1)?.y ?? 0;
    const list = arriving.get(link[side]) ?? [];
    arriving.set(link[side], list);
    list.push({ port: side === "from" ? link.fromPort : link.toPort, y });
  }
  const ports = new Map<string, Map<number, number>>();
  for (const [key, list] of arriving) {
    const item = items.get(key) as Item;
    const fixed = side === "from" ? item.outs : item.ins;
    const order = [...new Set(list.sort((a, b) => a.y - b.y).map(({ port }) => port))];
    // The branches of a fork all begin in its middle.
    const heightOf = (port: number, k: number): number =>
      fixed?.[port] ?? portHeight(item.height, k, order.length);
    ports.set(key, new Map(order.map((port, k) => [port, heightOf(port, k)])));
  }
  return ports;
}

const movedBox = (box: Box, { x, y }: Point): Box => ({
  ...box,
  x: round(box.x + x),
  y: round(box.y + y),
  ordinals: box.ordinals.map((ordinal) => ({ ...ordinal, y: round(ordinal.y + y) })),
});

const movedRun = ({ from, to, y }: Run, by: Point): Run => ({
  from: round(from + by.x),
  to: round(to + by.x),
  y: round(y + by.y),
});

function movedNet(net: Net, by: Point): Net {
  const moved = <P extends Point>(point: P): P => ({
    ...point,
    x: round(point.x + by.x),
    y: round(point.y + by.y),
  });
  return {
    ...net,
    lines: net.lines.map((line) => line.map((run) => movedRun(run, by))),
    tips: net.tips.map(moved),
    label: net.label && moved(net.label),
    branches: net.branches.map(moved),
  };
}
