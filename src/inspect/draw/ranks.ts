/** The places of items in ranks from left to right: dagre's, with operands in their order from the top. */
import type { Point } from "./drawing.js";
import type { Item } from "./items.js";
import { labelSize } from "./labels.js";
import type { Link } from "./links.js";

export type Dagre = typeof import("@dagrejs/dagre");

/** Between neighbours in a rank, between lines, and between a rank of gates and one of labels. */
const SEPARATION = 14;
const LANE = 9;
const GAP = 20;

/** What dagre says about a link: the middles of the ranks between its ends, and of its label. */
export interface Traced {
  readonly link: Link;
  between: readonly Point[];
  at: Point;
}

/** Where items are, and what their links go through. */
export function layOut(
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
  const laidOut = (upward: boolean) => {
    const pointOf = ({ x = 0, y = 0 }: Partial<Point>): Point => ({ x, y: upward ? -y : y });
    const places = new Map([...items.keys()].map((key) => [key, pointOf(graph.node(key))]));
    const traced = links.map((link, k): Traced => {
      const edge = graph.edge(link.from, link.to, String(k)) as Point & { points: Point[] };
      return { link, between: edge.points.slice(1, -1).map(pointOf), at: pointOf(edge) };
    });
    return { places, traced };
  };
  const found = laidOut(false);
  const best = disorder(items, found.traced) > 0 ? laidOut(true) : found;
  sortSources(items, best.places, best.traced);
  return best;
}

/**
 * What begins in one rank, is of one size and goes nowhere but to one gate can change places freely: it
 * stands in the order of that gate's operands.
 */
function sortSources(
  items: ReadonlyMap<string, Item>,
  places: Map<string, Point>,
  traced: Traced[],
): void {
  const counts = new Map<string, number>();
  for (const { link } of traced)
    for (const key of [`${link.from} out`, `${link.to} in`])
      counts.set(key, (counts.get(key) ?? 0) + 1);
  const groups = new Map<string, Traced[]>();
  for (const one of traced) {
    const { link, between } = one;
    if (counts.has(`${link.from} in`) || counts.get(`${link.from} out`) !== 1) continue;
    const { height } = items.get(link.from) as Item;
    const { x } = places.get(link.from) as Point;
    const name = [link.to, x, between.length, height, labelSize(link.label).height].join(" ");
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  for (const group of groups.values()) {
    const lanes = group
      .map(({ link, between, at }) => ({ place: places.get(link.from) as Point, between, at }))
      .sort((a, b) => a.place.y - b.place.y);
    const sorted = [...group].sort((a, b) => a.link.toPort - b.link.toPort);
    for (const [k, one] of sorted.entries()) {
      const { place, between, at } = lanes[k] as (typeof lanes)[number];
      places.set(one.link.from, place);
      Object.assign(one, { between, at });
    }
  }
}

/**
 * How many pairs of an item's wires come in, or leave, in another order than that of its operands,
 * from the top, less those that do in that order. Dagre does not care: upside down is as good to it.
 */
function disorder(items: ReadonlyMap<string, Item>, traced: readonly Traced[]): number {
  const sides = new Map<string, { wanted: number; y: number }[]>();
  const add = (side: string, wanted: number, y: number): void => {
    const wires = sides.get(side) ?? [];
    sides.set(side, wires);
    wires.push({ wanted, y });
  };
  for (const { link, between } of traced) {
    const [from, to] = [items.get(link.from), items.get(link.to)];
    add(`${link.from} out`, from?.outs?.[link.fromPort] ?? link.fromPort, between[0]?.y ?? 0);
    add(`${link.to} in`, to?.ins?.[link.toPort] ?? link.toPort, between.at(-1)?.y ?? 0);
  }
  let sum = 0;
  for (const wires of sides.values())
    for (const [k, a] of wires.entries())
      for (const b of wires.slice(k + 1)) sum -= Math.sign((a.wanted - b.wanted) * (a.y - b.y));
  return sum;
}

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
