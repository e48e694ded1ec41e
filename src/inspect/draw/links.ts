/** The lines that a wire is drawn as. */
import type { Gate, Term, Wire } from "../types.js";
import { dotItem, type Item } from "./items.js";
import { branchLabel, type Label, wireLabel } from "./labels.js";
import type { Level } from "./scene.js";

const NO_LABEL: Label = { above: [], below: [] };

interface End {
  readonly item: string;
  readonly port: number;
  readonly terms: readonly Term[];
}

/** Where a wire comes from and goes to, in one level. */
export interface Ways {
  readonly wire: Wire;
  readonly ends: End[];
  origin: { readonly item: string; readonly port: number } | undefined;
  /** Whether it has its label in another level, where it is made. */
  isLabelled: boolean;
}

/** A line from one item to another. */
export interface Link {
  readonly wire: number;
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly label: Label;
  readonly isBranch: boolean;
}

/** The lines of every wire: one, or a stem to a dot and branches from there. Adds the dots. */
export function linksOf(
  level: Level,
  items: Map<string, Item>,
  ways: ReadonlyMap<number, Ways>,
): Link[] {
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
