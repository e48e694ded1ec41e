/** What is open when a drawing is first shown. */
import { checkOptions, describe } from "../../describe.js";
import { checkCircuit, checkCount } from "../check.js";
import type { CircuitData, Gate } from "../types.js";
import { counted } from "../words.js";
import { gateKey, makeScene, type Part, type Scene } from "./scene.js";

/** Gates and groups that can be read at a glance, and too few to tell anything. */
const READABLE = 30;
const FEW = 6;

export interface DrawOptions {
  /** How many levels of fused gates are open: 0 by default, `Infinity` for all. */
  readonly depth?: number;
  /**
   * How many levels of modules are open; by default all of them where that shows no more than 30
   * gates, else none, or as many as it takes to see six gates and groups.
   */
  readonly modules?: number;
  /** Of the picture or page; by default the name of what is differentiated. */
  readonly title?: string;
}

/** Throws a TypeError for what is no circuit and for options that there are not. */
export function checkDrawing(op: string, circuit: unknown, options: unknown): void {
  checkCircuit(op, circuit);
  checkOptions(op, options, ["depth", "modules", "title"]);
  const { depth, modules, title } = options as DrawOptions;
  checkCount(op, "depth", depth);
  checkCount(op, "modules", modules);
  if (title !== undefined && typeof title !== "string")
    throw new TypeError(`${op}: bad title: got ${describe(title)}, expected a string`);
}

/** "loss", of a circuit that ends in that. */
export function nameOf({ outputs, wires }: CircuitData): string {
  const last = outputs.at(-1);
  return (last === undefined ? undefined : wires[last]?.label) ?? "nothing";
}

export const titleOf = (circuit: CircuitData, { title }: DrawOptions): string =>
  title ?? `Circuit of ${nameOf(circuit)}`;

/** One sentence on what is to be seen. */
export const describeCircuit = (circuit: CircuitData): string =>
  `${counted(circuit.gates.length, "gate")}, ${counted(circuit.wires.length, "wire")}. Above a wire ` +
  `stands its value, below it, behind ∂, the gradient of ${nameOf(circuit)} by that value. ` +
  "‖ ‖ is a norm. Where a wire forks, the gradients of its branches add up.";

/** Keys of the groups, and of the fused gates, that are open. */
export function openedAtFirst(scene: Scene, { depth = 0, modules }: DrawOptions): Set<string> {
  const open = new Set<string>();
  openGroups(scene.parts, modules ?? levelsThatFit(scene.parts), open);
  openGates(scene.circuit.gates, "", depth, modules, open);
  return open;
}

/** Keys of all that opens. */
export const everyKey = (scene: Scene): string[] => [
  ...openedAtFirst(scene, { depth: Number.POSITIVE_INFINITY, modules: Number.POSITIVE_INFINITY }),
];

function openGroups(parts: readonly Part[], levels: number, open: Set<string>): void {
  if (levels < 1) return;
  for (const part of parts)
    if (part.kind === "group") {
      open.add(part.key);
      openGroups(part.parts, levels - 1, open);
    }
}

function openGates(
  gates: readonly Gate[],
  path: string,
  depth: number,
  modules: number | undefined,
  open: Set<string>,
): void {
  if (depth < 1) return;
  for (const gate of gates) {
    const { id, inside } = gate;
    if (!inside) continue;
    open.add(gateKey(path, id));
    const below = `${path}${id}/`;
    openGroups(makeScene(inside, below, gate).parts, modules ?? Number.POSITIVE_INFINITY, open);
    openGates(inside.gates, below, depth - 1, modules, open);
  }
}

const gatesOf = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + (part.kind === "group" ? part.end - part.first : 1), 0);

function levelsThatFit(parts: readonly Part[]): number {
  if (gatesOf(parts) <= READABLE) return Number.POSITIVE_INFINITY;
  let shown: readonly Part[] = parts;
  for (let levels = 0; ; levels++) {
    const next = shown.flatMap((part) => (part.kind === "group" ? part.parts : [part]));
    if (shown.length >= FEW || next.length > READABLE || next.length === shown.length)
      return levels;
    shown = next;
  }
}
