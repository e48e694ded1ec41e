/** Circuits by module: as a tree, and with each module as one gate that opens. */
import { checkCircuit } from "./check.js";
import type { CircuitData, Gate, Term, Wire } from "./types.js";
import { counted } from "./words.js";

/** The gates that were recorded in a module, and the modules in it. */
export interface Group {
  /** The module's key; "" for the whole circuit. */
  readonly key: string;
  /** Gates of its own, not of the modules in it. */
  readonly gates: readonly number[];
  readonly groups: readonly Group[];
  /** All its gates, those of the modules in it included. */
  readonly count: number;
}

/** The circuit's gates by the modules that they were recorded in. */
export function grouped(circuit: CircuitData): Group {
  checkCircuit("grouped", circuit);
  const groupOf = (key: string, members: readonly Gate[], level: number): Group => {
    const own: number[] = [];
    const inner = new Map<string, Gate[]>();
    for (const gate of members) {
      const below = gate.modules[level];
      if (below === undefined) own.push(gate.id);
      else inner.set(below, [...(inner.get(below) ?? []), gate]);
    }
    const groups = [...inner].map(([name, list]) => groupOf(name, list, level + 1));
    return { key, gates: own, groups, count: members.length };
  };
  return groupOf("", circuit.gates, 0);
}

/** Gates that follow one another in one module are one part; others are parts of their own. */
function partsOf(gates: readonly Gate[], level: number): (readonly Gate[])[] {
  const parts: Gate[][] = [];
  for (const gate of gates) {
    const key = gate.modules[level];
    const before = parts.at(-1);
    if (key !== undefined && before?.[0]?.modules[level] === key) before.push(gate);
    else parts.push([gate]);
  }
  return parts;
}

/** Those of `wires` that are used or returned outside of the gates of a part. */
function leaving(
  part: readonly Gate[],
  uses: ReadonlyMap<number, readonly number[]>,
  returned: ReadonlySet<number>,
): number[] {
  const own = new Set(part.map(({ id }) => id));
  const made = part.flatMap(({ outputs }) => outputs);
  const found = made.filter(
    (wire) => returned.has(wire) || uses.get(wire)?.some((gate) => !own.has(gate)),
  );
  return found.length > 0 ? found : made.slice(-1);
}

/** Those wires that a part uses and does not make: from other gates, and from outside of all. */
function entering(part: readonly Gate[]): number[] {
  const made = new Set(part.flatMap(({ outputs }) => outputs));
  return [...new Set(part.flatMap(({ inputs }) => inputs))].filter((wire) => !made.has(wire));
}

/**
 * The same circuit with each module as one gate, `inside` of which is what it holds, modules in it
 * collapsed as well. Gates and wires are numbered anew. A Parameter or constant that one module alone
 * uses is inside of it. A wire's gradient is that of the whole circuit, everywhere; its terms are
 * those of the uses that are shown beside it.
 */
export function collapsed(circuit: CircuitData): CircuitData {
  checkCircuit("collapsed", circuit);
  const uses = new Map<number, number[]>();
  for (const { id, inputs } of circuit.gates)
    for (const wire of inputs) uses.set(wire, [...(uses.get(wire) ?? []), id]);
  return collapse(circuit, circuit.gates, circuit.inputs, circuit.outputs, uses, 0);
}

/**
 * The terms of a wire that the gates of a level send back, by those gates: `partOf` has the gate in
 * place of one of the whole circuit, and `operands` those of a module, as the whole circuit numbers
 * them; there the wire is `original`.
 */
const termsBetween = (
  { terms }: Wire,
  partOf: ReadonlyMap<number, number>,
  operands: ReadonlyMap<number, readonly number[]>,
  original: number,
): Term[] =>
  terms.flatMap((term) => {
    if (term.gate === -1) return [term];
    const gate = partOf.get(term.gate);
    if (gate === undefined) return [];
    return [{ ...term, gate, operand: operands.get(gate)?.indexOf(original) ?? term.operand }];
  });

function collapse(
  whole: CircuitData,
  gates: readonly Gate[],
  begins: readonly number[],
  ends: readonly number[],
  uses: ReadonlyMap<number, readonly number[]>,
  level: number,
): CircuitData {
  const returned = new Set(ends);
  const parts = partsOf(gates, level);
  const partOf = new Map(
    parts.flatMap((part, index) => part.map(({ id }) => [id, index] as const)),
  );
  const isGroup = (part: readonly Gate[]): boolean => part[0]?.modules[level] !== undefined;
  /** Whether a wire from outside is the affair of one module alone. */
  const hidden = (wire: number): boolean => {
    const { kind } = whole.wires[wire] as Wire;
    if (kind !== "parameter" && kind !== "constant") return false;
    const using = new Set(uses.get(wire)?.map((gate) => partOf.get(gate)));
    const [only] = using;
    return using.size === 1 && only !== undefined && isGroup(parts[only] as readonly Gate[]);
  };

  const wires: Wire[] = [];
  const renamed = new Map<number, number>();
  const keep = (wire: number, from: number | undefined): number => {
    const known = renamed.get(wire);
    if (known !== undefined) return known;
    const id = wires.length;
    renamed.set(wire, id);
    wires.push({ ...(whole.wires[wire] as Wire), id, from });
    return id;
  };
  const inputs = begins.filter((wire) => !hidden(wire)).map((wire) => keep(wire, undefined));
  const operands = new Map<number, readonly number[]>();
  const made = parts.map((part, id): Gate => {
    const first = part[0] as Gate;
    if (!isGroup(part))
      return {
        ...first,
        id,
        inputs: first.inputs.map((wire) => keep(wire, undefined)),
        outputs: first.outputs.map((wire) => keep(wire, id)),
      };
    const from = entering(part);
    const visible = from.filter((wire) => !hidden(wire));
    const out = leaving(part, uses, returned);
    operands.set(id, visible);
    const own = [...visible, ...from.filter(hidden)];
    const key = first.modules[level] as string;
    const holds = part.length === 1 ? first.name : counted(part.length, "gate");
    return {
      id,
      name: key,
      attributes: holds,
      inputs: visible.map((wire) => keep(wire, undefined)),
      outputs: out.map((wire) => keep(wire, id)),
      modules: first.modules.slice(0, level),
      source: first.source,
      rule: `${key} is a module: the chain rule goes through its ${counted(part.length, "gate")}`,
      locals: visible.map(() => undefined),
      inside: collapse(whole, part, own, out, uses, level + 1),
      group: true,
    };
  });
  const original = new Map([...renamed].map(([wire, id]) => [id, wire]));
  const shown = wires.map((wire): Wire => {
    const terms = termsBetween(wire, partOf, operands, original.get(wire.id) as number);
    return { ...wire, terms };
  });
  return { gates: made, wires: shown, inputs, outputs: ends.map((wire) => keep(wire, undefined)) };
}

/** From how many gates on a circuit is shown by module. */
const MANY = 100;

/** What of a circuit is open when it is written. */
export interface Levels {
  /** How many levels of fused gates are open: 0 by default, `Infinity` for all. */
  readonly depth?: number;
  /**
   * How many levels of modules are open, the others being one gate each; `Infinity` for gates without
   * modules around them. By default none of a circuit of more than 100 gates, and all of others.
   */
  readonly modules?: number;
}

/** The levels of gates and modules that are still to be opened. */
export type Open = Required<Levels>;

/** The circuit as it is shown, by module unless all of them are open, and what is open of it. */
export function arranged(
  circuit: CircuitData,
  { depth = 0, modules }: Levels,
): { readonly shown: CircuitData; readonly open: Open } {
  const { gates } = circuit;
  const grouped = gates.some(({ group }) => group);
  const levels = modules ?? (grouped || gates.length > MANY ? 0 : Number.POSITIVE_INFINITY);
  const hides = levels < Number.POSITIVE_INFINITY && gates.some((gate) => gate.modules.length > 0);
  const shown = hides && !grouped ? collapsed(circuit) : circuit;
  return { shown, open: { depth, modules: levels } };
}

/** What is open inside a gate; undefined where it is closed itself. */
export function openInside({ inside, group }: Gate, { depth, modules }: Open): Open | undefined {
  if (!inside || (group ? modules : depth) < 1) return undefined;
  return group ? { depth, modules: modules - 1 } : { depth: depth - 1, modules };
}
