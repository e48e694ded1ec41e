/**
 * What a circuit is divided into before it is drawn: gates, and groups of gates that open and close.
 * A group is a run of gates, one after the other in the order of recording, that were recorded in one
 * module; where that leaves more parts beside one another than can be read, neighbours form groups
 * as well. Groups are intervals of a topological order, so a circuit of groups has no cycles.
 */
import type { CircuitData, Gate, Wire } from "../types.js";

/** Parts that lie beside one another, at most. */
const MOST_PARTS = 80;

/** Gates `first` … `end` − 1. */
export interface Group {
  readonly kind: "group";
  readonly key: string;
  readonly title: string;
  readonly first: number;
  readonly end: number;
  readonly parts: readonly Part[];
}

interface SingleGate {
  readonly kind: "gate";
  readonly key: string;
  readonly gate: Gate;
}

export type Part = SingleGate | Group;

export interface Use {
  readonly gate: number;
  readonly operand: number;
}

/** A circuit, or the inside of the fused gate that `path` names, with what drawing it looks up. */
export interface Scene {
  /** "" for the circuit itself; "4/" for the inside of its gate 4, "4/2/" for what is in there. */
  readonly path: string;
  readonly circuit: CircuitData;
  readonly parts: readonly Part[];
  /** For each wire, the operands that it is. */
  readonly uses: readonly (readonly Use[])[];
  /**
   * For wires that no gate makes: the innermost group that has all their uses, in which they are
   * drawn; undefined for those that are drawn, or come in, outside of all groups.
   */
  readonly homes: ReadonlyMap<number, Group>;
}

export const gateKey = (path: string, gate: number): string => `${path}g${gate}`;
export const wireKey = (path: string, wire: number): string => `${path}w${wire}`;

const isWithin = (gate: number, { first, end }: Group): boolean => first <= gate && gate < end;

/** `gate` is the fused gate whose inside `circuit` is; undefined for a circuit by itself. */
export function makeScene(circuit: CircuitData, path = "", gate?: Gate): Scene {
  const uses: Use[][] = circuit.wires.map(() => []);
  for (const { id, inputs } of circuit.gates)
    for (const [operand, wire] of inputs.entries()) uses[wire]?.push({ gate: id, operand });
  const parts = partsOf(circuit.gates, path, 0);
  return {
    path,
    circuit,
    parts,
    uses,
    homes: homesOf(circuit, path, parts, uses, gate?.inputs.length ?? 0),
  };
}

function partsOf(gates: readonly Gate[], path: string, depth: number): Part[] {
  const parts: Part[] = [];
  for (let begin = 0; begin < gates.length; ) {
    const gate = gates[begin] as Gate;
    const title = gate.modules[depth];
    let end = begin + 1;
    if (title !== undefined) while (gates[end]?.modules[depth] === title) end++;
    // A module of one gate is that gate.
    if (end - begin === 1) parts.push({ kind: "gate", key: gateKey(path, gate.id), gate });
    else {
      const inside = partsOf(gates.slice(begin, end), path, depth + 1);
      parts.push(groupOf(inside, path, title as string));
    }
    begin = end;
  }
  return bundled(parts, path);
}

const firstOf = (part: Part): number => (part.kind === "gate" ? part.gate.id : part.first);
const endOf = (part: Part): number => (part.kind === "gate" ? part.gate.id + 1 : part.end);

function groupOf(parts: readonly Part[], path: string, title: string): Group {
  const first = firstOf(parts[0] as Part);
  const end = endOf(parts.at(-1) as Part);
  return { kind: "group", key: `${path}m${first}-${end}:${title}`, title, first, end, parts };
}

/** "blocks.0 to blocks.7", or "gates 12 to 75" where it is not modules at both ends. */
function spanOf(parts: readonly Part[]): string {
  const [first, last] = [parts[0] as Part, parts.at(-1) as Part];
  if (first.kind === "group" && last.kind === "group")
    return `${first.title.replace(/ to .*/, "")} to ${last.title.replace(/.* to /, "")}`;
  return `gates ${firstOf(first)} to ${endOf(last) - 1}`;
}

/** Neighbours put together until no more than can be read lie beside one another. */
function bundled(parts: Part[], path: string): Part[] {
  let level = parts;
  while (level.length > MOST_PARTS) {
    const size = Math.max(2, Math.min(MOST_PARTS, Math.ceil(Math.sqrt(level.length))));
    const next: Part[] = [];
    for (let begin = 0; begin < level.length; begin += size) {
      const some = level.slice(begin, begin + size);
      next.push(some.length === 1 ? (some[0] as Part) : groupOf(some, path, spanOf(some)));
    }
    level = next;
  }
  return level;
}

function homesOf(
  { wires, inputs }: CircuitData,
  path: string,
  parts: readonly Part[],
  uses: readonly (readonly Use[])[],
  operands: number,
): Map<number, Group> {
  const homes = new Map<number, Group>();
  // What comes into a fused gate comes in at its side.
  const comesIn = new Set(path === "" ? [] : inputs.slice(0, operands));
  for (const wire of wires) {
    const { id, from, kind } = wire;
    const all = uses[id] ?? [];
    if (from !== undefined || kind === "input" || comesIn.has(id) || all.length === 0) continue;
    const holds = (part: Part): part is Group =>
      part.kind === "group" && all.every(({ gate }) => isWithin(gate, part));
    let home: Group | undefined;
    for (let next = parts.find(holds); next; next = next.parts.find(holds)) home = next;
    if (home) homes.set(id, home);
  }
  return homes;
}

/** Wires that come into a group, in the order of their first use. */
function waysIn({ circuit, homes }: Scene, group: Group): number[] {
  const found = new Set<number>();
  for (let id = group.first; id < group.end; id++)
    for (const wire of (circuit.gates[id] as Gate).inputs) {
      const { from } = circuit.wires[wire] as Wire;
      const home = homes.get(wire);
      const inside =
        from === undefined
          ? home && group.first <= home.first && home.end <= group.end
          : isWithin(from, group);
      if (!inside) found.add(wire);
    }
  return [...found];
}

/** Wires made in a group that are used, or returned, outside of it. */
function waysOut({ circuit, uses }: Scene, group: Group): number[] {
  const returned = new Set(circuit.outputs);
  const found: number[] = [];
  for (let id = group.first; id < group.end; id++)
    for (const wire of (circuit.gates[id] as Gate).outputs)
      if (returned.has(wire) || uses[wire]?.some(({ gate }) => !isWithin(gate, group)))
        found.push(wire);
  return found;
}

/** The parts that lie beside one another in an open group, or in a whole scene. */
export interface Level {
  readonly scene: Scene;
  readonly group: Group | undefined;
  readonly parts: readonly Part[];
  /** Wires that come in at the left side, and that leave at the right side. */
  readonly ins: readonly number[];
  readonly outs: readonly number[];
}

/** All of a circuit. */
export const topLevel = (scene: Scene): Level => ({
  scene,
  group: undefined,
  parts: scene.parts,
  ins: [],
  outs: [],
});

/** All of the inside of a gate. What else comes from outside than its operands is constant. */
export const insideLevel = (scene: Scene, { inputs }: Gate): Level => ({
  ...topLevel(scene),
  ins: scene.circuit.inputs.slice(0, inputs.length),
  outs: scene.circuit.outputs,
});

export const groupLevel = (scene: Scene, group: Group): Level => ({
  scene,
  group,
  parts: group.parts,
  ins: waysIn(scene, group),
  outs: waysOut(scene, group),
});

/** Wires without a gate that are drawn at this level. */
export function sourcesOf({ scene, group, ins }: Level): Wire[] {
  const { circuit, homes } = scene;
  if (!group)
    return circuit.wires.filter(
      ({ id, from }) => from === undefined && !ins.includes(id) && !homes.has(id),
    );
  const found = new Set<number>();
  for (let id = group.first; id < group.end; id++)
    for (const wire of (circuit.gates[id] as Gate).inputs)
      if (homes.get(wire) === group) found.add(wire);
  return [...found].map((id) => circuit.wires[id] as Wire);
}

/** Every group of a scene, outermost first. */
export function groupsOf(parts: readonly Part[]): Group[] {
  return parts.flatMap((part) => (part.kind === "group" ? [part, ...groupsOf(part.parts)] : []));
}
