/** A level of a drawing: boxes and lines at the places that were found for them. */
import type { Box, Net, PlacedLabel, Point, Run } from "./drawing.js";
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

const round = (value: number): number => Math.round(10 * value) / 10;

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
  const placeOf = (key: string): Point => places.get(key) as Point;
  const half = halvesOf(items, places, traced);
  const [inPorts, outPorts] = [portsOf(items, traced, "to"), portsOf(items, traced, "from")];

  // The upper left corner, and the size, of all that has a place here.
  const corners: Point[] = [];
  for (const [key, { width, height }] of items) {
    const { x, y } = placeOf(key);
    corners.push({ x: x - width / 2, y: y - height / 2 }, { x: x + width / 2, y: y + height / 2 });
  }
  for (const { link, at, between } of traced) {
    const { width, height } = labelSize(link.label);
    corners.push({ x: at.x - width / 2, y: at.y - height / 2 });
    corners.push({ x: at.x + width / 2, y: at.y + height / 2 }, ...between);
  }
  const header = title === "" ? 0 : HEADER;
  const left = Math.min(...corners.map(({ x }) => x), 0) - PADDING;
  const top = Math.min(...corners.map(({ y }) => y), 0) - PADDING - header;
  // Beside the title there is the sign that closes.
  const least = title === "" ? 0 : textWidth(title) + 2 * PADDING + 24;
  const width = Math.max(Math.max(...corners.map(({ x }) => x), 0) + PADDING - left, least);
  const height = Math.max(...corners.map(({ y }) => y), 0) + PADDING - top;

  const boxes: Box[] = [];
  const nets: Net[] = [];
  for (const [key, item] of items) {
    const { x, y } = placeOf(key);
    const corner = { x: round(x - item.width / 2 - left), y: round(y - item.height / 2 - top) };
    if (item.box) {
      const heights = inPorts.get(key) ?? new Map<number, number>();
      const ordinals = item.isOrdered
        ? [...heights].map(([port, dy]) => ({ y: round(corner.y + dy), text: String(port + 1) }))
        : [];
      const { width, height } = item;
      boxes.push({ ...item.box, ...corner, width: round(width), height: round(height), ordinals });
    }
    boxes.push(...item.boxes.map((box) => movedBox(box, corner)));
    nets.push(...item.nets.map((net) => movedNet(net, corner)));
  }

  const lineOf = ({ link, between }: Traced): { line: Run[]; tip: Point | undefined } => {
    const [from, to] = [items.get(link.from) as Item, items.get(link.to) as Item];
    const [a, b] = [placeOf(link.from), placeOf(link.to)];
    const dyFrom = outPorts.get(link.from)?.get(link.fromPort) ?? from.height / 2;
    const dyTo = inPorts.get(link.to)?.get(link.toPort) ?? to.height / 2;
    const begin = link.from.startsWith("in ") ? left : a.x + reach(from, dyFrom);
    const end = link.to.startsWith("out ") ? left + width : b.x - reach(to, dyTo);
    const yFrom = a.y - from.height / 2 + dyFrom;
    const yTo = b.y - to.height / 2 + dyTo;
    const runs = [
      { from: begin, to: a.x + half(a.x), y: yFrom },
      ...between.map(({ x, y }) => ({ from: x - half(x), to: x + half(x), y })),
      { from: b.x - half(b.x), to: end, y: yTo },
    ];
    const line = runs.map((run) => ({
      from: round(run.from - left),
      to: round(run.to - left),
      y: round(run.y - top),
    }));
    return { line, tip: to.hasTips ? { x: round(end - left), y: round(yTo - top) } : undefined };
  };
  for (const [id, { wire }] of ways) {
    const own = traced.filter(({ link }) => link.wire === id);
    const drawn = own.map(lineOf);
    const labelOf = ({ link: { label }, at }: Traced): PlacedLabel[] => {
      if (label.above.length + label.below.length === 0) return [];
      const { width, height } = labelSize(label);
      return [{ x: round(at.x - left), y: round(at.y - top), width, height, label }];
    };
    const { circuit, path } = level.scene;
    nets.push({
      key: wireKey(path, id),
      circuit,
      path,
      wire,
      lines: drawn.map(({ line }) => line),
      tips: drawn.flatMap(({ tip }) => tip ?? []),
      label: own.filter(({ link }) => !link.isBranch).flatMap(labelOf)[0],
      branches: own.filter(({ link }) => link.isBranch).flatMap(labelOf),
    });
  }
  const heights = (side: "in" | "out", count: number): number[] =>
    Array.from({ length: count }, (_, k) => round(placeOf(`${side} ${k}`).y - top));
  return {
    width: round(width),
    height: round(height),
    boxes,
    nets,
    ins: heights("in", level.ins.length),
    outs: heights("out", level.outs.length),
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

function movedNet(net: Net, { x, y }: Point): Net {
  const moved = <P extends Point>(point: P): P => ({
    ...point,
    x: round(point.x + x),
    y: round(point.y + y),
  });
  return {
    ...net,
    lines: net.lines.map((line) =>
      line.map((run) => ({
        from: round(run.from + x),
        to: round(run.to + x),
        y: round(run.y + y),
      })),
    ),
    tips: net.tips.map(moved),
    label: net.label && moved(net.label),
    branches: net.branches.map(moved),
  };
}
