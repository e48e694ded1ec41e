/**
 * The layout of a circuit, left to right, by dagre (Gansner, Koutsofios, North & Vo 1993, "A technique
 * for drawing directed graphs"). Every open group is laid out by itself and stands as one box in the
 * level around it, so a large circuit is many small layouts; wires come in and leave at its sides.
 *
 * Labels are boxes in the layout, each in a rank as a gate is. Lines bend between ranks only and run
 * straight through them, in lanes that dagre keeps free, so that no line crosses a label:
 *
 *     rank       gap     rank        gap     rank
 *     ┌────┐          ┌─────────┐           ┌───┐
 *     │gate├───╮   ╭──│─ label ─│───────────│ + │
 *     └────┘    ╰──╯  └─────────┘           └───┘
 */
import type { CircuitData, Gate, Term, Wire } from "../types.js";
import type { Box, Drawing, Net, PlacedLabel, Point, Run } from "./drawing.js";
import {
  dotItem,
  frameItem,
  gateItem,
  groupItem,
  type Item,
  nameItem,
  portHeight,
  portItem,
  termsOf,
} from "./items.js";
import { branchLabel, type Label, labelSize, textWidth, wireLabel } from "./labels.js";
import {
  groupLevel,
  insideLevel,
  type Level,
  makeScene,
  type Scene,
  sourcesOf,
  topLevel,
  wireKey,
} from "./scene.js";

export type Dagre = typeof import("@dagrejs/dagre");

/** Between neighbours in a rank, between lines, and between a rank of gates and one of labels. */
const SEPARATION = 14;
const LANE = 9;
const GAP = 20;
/** Inside of a frame, and around the whole drawing. */
const PADDING = 14;
const HEADER = 28;
const NO_LABEL: Label = { above: [], below: [] };

interface End {
  readonly item: string;
  readonly port: number;
  readonly terms: readonly Term[];
}

/** Where a wire comes from and goes to, in one level. */
interface Ways {
  readonly wire: Wire;
  readonly ends: End[];
  origin: { readonly item: string; readonly port: number } | undefined;
  /** Whether it has its label in another level, where it is made. */
  isLabelled: boolean;
}

/** A line from one item to another. */
interface Link {
  readonly wire: number;
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly label: Label;
  readonly isBranch: boolean;
}

/** A level with places from its own upper left corner on. */
type Placed = Pick<Item, "boxes" | "nets" | "width" | "height"> & {
  readonly ins: readonly number[];
  readonly outs: readonly number[];
};

/** Levels that were laid out, by name, with what was open in them and how that came out. */
type Known = Map<string, { readonly inside: readonly Placed[]; readonly placed: Placed }>;

/** What is open, by keys, and the library that lays out. */
interface Context {
  readonly open: ReadonlySet<string>;
  readonly dagre: Dagre;
  readonly known: Known;
}

/**
 * Lays out a scene again and again, with other groups and gates open, doing no work twice. What it
 * returns goes one level further with each `next`, which gives the number of levels known by then, so
 * that a page can do something else in between. `open` has the keys of what is open.
 */
export function layouts(
  scene: Scene,
  dagre: Dagre,
): (open: ReadonlySet<string>) => Generator<number, Drawing> {
  const known: Known = new Map();
  return function* (open) {
    const { width, height, boxes, nets } = yield* layoutLevel(topLevel(scene), "", {
      open,
      dagre,
      known,
    });
    return { width, height, boxes, nets };
  };
}

/** The drawing in which the groups and gates are open whose keys are in `open`. */
export function layout(scene: Scene, open: ReadonlySet<string>, dagre: Dagre): Drawing {
  const steps = layouts(scene, dagre)(open);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** `title` is that of the frame around the level; "" without a frame. */
function* layoutLevel(level: Level, title: string, context: Context): Generator<number, Placed> {
  const { scene, group } = level;
  const { items, ways, inside } = yield* contentsOf(level, context);
  const name = `${scene.path} ${group?.key}`;
  const before = context.known.get(name);
  if (
    before?.inside.length === inside.length &&
    before.inside.every((placed, k) => placed === inside[k])
  )
    return before.placed;
  const links = linksOf(level, items, ways);
  const placed = place(level, title, items, ways, links, context.dagre);
  context.known.set(name, { inside, placed });
  yield context.known.size;
  return placed;
}

/** The title in the head of an open gate. */
const frameTitle = ({ box }: Item): string => `${box?.title} ${box?.subtitle}`;

const insides = new WeakMap<CircuitData, Map<string, Scene>>();

/** The scene of a fused gate's inside, made once. */
function insideOf(gate: Gate, circuit: CircuitData, path: string): Scene {
  const known = insides.get(circuit) ?? new Map<string, Scene>();
  insides.set(circuit, known);
  const scene = known.get(path) ?? makeScene(circuit, path, gate);
  known.set(path, scene);
  return scene;
}

interface Contents {
  readonly items: Map<string, Item>;
  readonly ways: Map<number, Ways>;
  /** What is open at this level. */
  readonly inside: readonly Placed[];
}

function* contentsOf(level: Level, context: Context): Generator<number, Contents> {
  const { scene, parts, ins, outs } = level;
  const { circuit, path } = scene;
  const items = new Map<string, Item>();
  const ways = new Map<number, Ways>();
  const opened: Placed[] = [];
  const waysOf = (id: number): Ways => {
    const wire = circuit.wires[id] as Wire;
    const known = ways.get(id) ?? { wire, ends: [], origin: undefined, isLabelled: false };
    ways.set(id, known);
    return known;
  };
  const add = (item: Item): string => {
    items.set(item.key, item);
    return item.key;
  };
  const arrive = (wire: number, item: string, port: number, isOne: (term: Term) => boolean) =>
    waysOf(wire).ends.push({ item, port, terms: termsOf(circuit, wire, isOne) });
  const leave = (wire: number, item: string, port: number, isLabelled: boolean): void => {
    Object.assign(waysOf(wire), { origin: { item, port }, isLabelled });
  };

  for (const [k, wire] of ins.entries()) leave(wire, add(portItem(`in ${k}`)), 0, true);
  for (const wire of sourcesOf(level))
    leave(
      wire.id,
      add(nameItem(level, wire, "source", `${wireKey(path, wire.id)}:from`)),
      0,
      false,
    );
  for (const part of parts) {
    if (part.kind === "gate") {
      const { gate, key } = part;
      const inside =
        gate.inside && context.open.has(key)
          ? insideOf(gate, gate.inside, `${path}${gate.id}/`)
          : undefined;
      const closed = gateItem(level, gate);
      if (inside) {
        const title = frameTitle(closed);
        const placed = yield* layoutLevel(insideLevel(inside, gate), title, context);
        opened.push(placed);
        add(frameItem(closed, placed));
      } else add(closed);
      for (const [port, wire] of gate.inputs.entries())
        arrive(wire, key, port, (term) => term.gate === gate.id && term.operand === port);
      for (const [port, wire] of gate.outputs.entries()) {
        const within = inside?.circuit.wires[inside.circuit.outputs[port] ?? -1];
        leave(wire, key, port, within?.from !== undefined);
      }
    } else {
      const { key, first, end } = part;
      const isOpen = context.open.has(key);
      const below = groupLevel(scene, part);
      const closed = groupItem(level, part);
      if (isOpen) {
        const placed = yield* layoutLevel(below, part.title, context);
        opened.push(placed);
        add(frameItem(closed, placed));
      } else add(closed);
      for (const [port, wire] of below.ins.entries())
        arrive(wire, key, port, ({ gate }) => first <= gate && gate < end);
      for (const [port, wire] of below.outs.entries()) leave(wire, key, port, isOpen);
    }
  }
  for (const [k, wire] of outs.entries()) {
    const { group } = level;
    arrive(wire, add(portItem(`out ${k}`)), 0, ({ gate }) =>
      group ? gate < group.first || gate >= group.end : gate < 0,
    );
  }
  if (path === "" && !level.group)
    for (const [k, wire] of circuit.outputs.entries()) {
      const item = nameItem(
        level,
        circuit.wires[wire] as Wire,
        "sink",
        `${wireKey(path, wire)}:to ${k}`,
      );
      arrive(wire, add(item), 0, ({ gate }) => gate < 0);
    }
  for (const { wire, origin, ends } of ways.values())
    if (origin && ends.length === 0 && !origin.item.startsWith("in "))
      ends.push({ item: add(dotItem(level, wire, false)), port: 0, terms: [] });
  return { items, ways, inside: opened };
}

/** The lines of every wire: one, or a stem to a dot and branches from there. Adds the dots. */
function linksOf(level: Level, items: Map<string, Item>, ways: ReadonlyMap<number, Ways>): Link[] {
  const links: Link[] = [];
  const { gates } = level.scene.circuit;
  for (const [id, { wire, origin, ends, isLabelled }] of ways) {
    if (!origin || ends.length === 0) continue;
    const gate = wire.from === undefined ? undefined : (gates[wire.from] as Gate);
    const label = isLabelled ? NO_LABEL : wireLabel(wire, gate);
    const stem = { wire: id, from: origin.item, fromPort: origin.port, label, isBranch: false };
    const [first] = ends;
    if (ends.length === 1 && first) {
      links.push({ ...stem, to: first.item, toPort: first.port });
      continue;
    }
    const fork = dotItem(level, wire, true);
    items.set(fork.key, fork);
    links.push({ ...stem, to: fork.key, toPort: 0 });
    for (const end of ends)
      links.push({
        wire: id,
        from: fork.key,
        to: end.item,
        fromPort: 0,
        toPort: end.port,
        label: branchLabel(end.terms),
        isBranch: true,
      });
  }
  return links;
}

/** What dagre says about a link: the middles of the ranks between its ends, and of its label. */
interface Traced {
  readonly link: Link;
  readonly between: readonly Point[];
  readonly at: Point;
}

const round = (value: number): number => Math.round(10 * value) / 10;

function place(
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

function layOut(
  items: ReadonlyMap<string, Item>,
  links: readonly Link[],
  dagre: Dagre,
): { places: Map<string, Point>; traced: Traced[] } {
  const graph = new dagre.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", ranksep: 2 * GAP, nodesep: SEPARATION, edgesep: LANE });
  for (const [key, { width, height }] of items) graph.setNode(key, { width, height });
  for (const [k, { from, to, label }] of links.entries())
    graph.setEdge(
      from,
      to,
      { ...labelSize(label), labelpos: "c", weight: 1, minlen: 1 },
      String(k),
    );
  tieToSides(graph, items);
  dagre.layout(graph);
  const places = new Map([...items.keys()].map((key) => [key, pointOf(graph.node(key))]));
  const traced = links.map((link, k) => {
    const edge = graph.edge(link.from, link.to, String(k)) as Point & { points: Point[] };
    return { link, between: edge.points.slice(1, -1), at: pointOf(edge) };
  });
  return { places, traced };
}

const pointOf = ({ x = 0, y = 0 }: { x?: number; y?: number }): Point => ({ x, y });

/**
 * Wires that come in do so left of everything else, those that leave right of it: both sides are
 * nodes that are not drawn, tied closely to the ports, and loosely to all else that begins or ends.
 */
function tieToSides(graph: InstanceType<Dagre["Graph"]>, items: ReadonlyMap<string, Item>): void {
  const keys = [...items.keys()];
  const thin = { width: 0, height: 0, labelpos: "c", minlen: 1 } as const;
  const close = { ...thin, weight: 50 };
  const loose = { ...thin, weight: 0 };
  if (keys.some((key) => key.startsWith("in "))) {
    const begins = keys.filter((key) => (graph.predecessors(key) ?? []).length === 0);
    graph.setNode("left", { width: 0, height: 0 });
    for (const key of begins)
      graph.setEdge("left", key, { ...(key.startsWith("in ") ? close : loose) }, "side");
  }
  if (keys.some((key) => key.startsWith("out "))) {
    const ends = keys.filter((key) => (graph.successors(key) ?? []).length === 0);
    graph.setNode("right", { width: 0, height: 0 });
    for (const key of ends)
      graph.setEdge(key, "right", { ...(key.startsWith("out ") ? close : loose) }, "side");
  }
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
