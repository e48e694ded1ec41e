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
import type { Drawing } from "./drawing.js";
import {
  dotItem,
  frameItem,
  gateItem,
  groupItem,
  type Item,
  nameItem,
  portItem,
  termsOf,
} from "./items.js";
import { linksOf, type Ways } from "./links.js";
import { type Placed, place } from "./place.js";
import type { Dagre } from "./ranks.js";
import {
  type Group,
  groupLevel,
  insideLevel,
  type Level,
  makeScene,
  type Scene,
  sourcesOf,
  topLevel,
  wireKey,
} from "./scene.js";

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

/** What is at one level, as it is found. */
class Contents {
  readonly items = new Map<string, Item>();
  readonly ways = new Map<number, Ways>();
  /** What is open at this level. */
  readonly inside: Placed[] = [];
  readonly #circuit: CircuitData;

  constructor(circuit: CircuitData) {
    this.#circuit = circuit;
  }

  add(item: Item): string {
    this.items.set(item.key, item);
    return item.key;
  }

  /** A gate or a group, closed, or the frame around what is open in it. */
  addPart(closed: Item, inside: Placed | undefined): void {
    if (inside) this.inside.push(inside);
    this.add(inside ? frameItem(closed, inside) : closed);
  }

  /** A wire arrives at an item, through which those of its terms come back that are picked. */
  arrive(wire: number, item: string, port: number, isPicked: (term: Term) => boolean): void {
    this.#waysOf(wire).ends.push({ item, port, terms: termsOf(this.#circuit, wire, isPicked) });
  }

  /** A wire leaves an item; `isLabelled` as in `Ways`. */
  leave(wire: number, item: string, port: number, isLabelled: boolean): void {
    Object.assign(this.#waysOf(wire), { origin: { item, port }, isLabelled });
  }

  #waysOf(id: number): Ways {
    const wire = this.#circuit.wires[id] as Wire;
    const known = this.ways.get(id) ?? { wire, ends: [], origin: undefined, isLabelled: false };
    this.ways.set(id, known);
    return known;
  }
}

function* contentsOf(level: Level, context: Context): Generator<number, Contents> {
  const { scene, parts, ins, outs, group } = level;
  const { circuit, path } = scene;
  const contents = new Contents(circuit);
  for (const [k, wire] of ins.entries())
    contents.leave(wire, contents.add(portItem(`in ${k}`)), 0, true);
  for (const wire of sourcesOf(level)) {
    const item = nameItem(level, wire, "source", `${wireKey(path, wire.id)}:from`);
    contents.leave(wire.id, contents.add(item), 0, false);
  }
  for (const part of parts)
    if (part.kind === "gate") yield* addGate(contents, level, part.gate, context);
    else yield* addGroup(contents, level, part, context);
  for (const [k, wire] of outs.entries())
    contents.arrive(wire, contents.add(portItem(`out ${k}`)), 0, ({ gate }) =>
      group ? gate < group.first || gate >= group.end : gate < 0,
    );
  if (path === "" && !group)
    for (const [k, id] of circuit.outputs.entries()) {
      const wire = circuit.wires[id] as Wire;
      const item = nameItem(level, wire, "sink", `${wireKey(path, id)}:to ${k}`);
      contents.arrive(id, contents.add(item), 0, ({ gate }) => gate < 0);
    }
  for (const { wire, origin, ends } of contents.ways.values())
    if (origin && ends.length === 0 && !origin.item.startsWith("in "))
      ends.push({ item: contents.add(dotItem(level, wire, false)), port: 0, terms: [] });
  return contents;
}

function* addGate(
  contents: Contents,
  level: Level,
  gate: Gate,
  context: Context,
): Generator<number, void> {
  const { path } = level.scene;
  const closed = gateItem(level, gate);
  const { key } = closed;
  const inside =
    gate.inside && context.open.has(key)
      ? insideOf(gate, gate.inside, `${path}${gate.id}/`)
      : undefined;
  contents.addPart(
    closed,
    inside && (yield* layoutLevel(insideLevel(inside, gate), frameTitle(closed), context)),
  );
  for (const [port, wire] of gate.inputs.entries())
    contents.arrive(wire, key, port, (term) => term.gate === gate.id && term.operand === port);
  for (const [port, wire] of gate.outputs.entries()) {
    const within = inside?.circuit.wires[inside.circuit.outputs[port] ?? -1];
    contents.leave(wire, key, port, within?.from !== undefined);
  }
}

function* addGroup(
  contents: Contents,
  level: Level,
  group: Group,
  context: Context,
): Generator<number, void> {
  const { key, title, first, end } = group;
  const isOpen = context.open.has(key);
  const below = groupLevel(level.scene, group);
  contents.addPart(
    groupItem(level, group),
    isOpen ? yield* layoutLevel(below, title, context) : undefined,
  );
  for (const [port, wire] of below.ins.entries())
    contents.arrive(wire, key, port, ({ gate }) => first <= gate && gate < end);
  for (const [port, wire] of below.outs.entries()) contents.leave(wire, key, port, isOpen);
}
