/** Groups of Parameters with hyper-parameters of their own, and what these may be. */
import { checkOptions, describe } from "../describe.js";
import { Parameter } from "../parameter.js";

/** What every optimizer has; the others' options extend it. */
export interface Hyper {
  lr: number;
  weightDecay: number;
  /** Climbs instead of descending. Part of the program: not to be changed. */
  readonly maximize: boolean;
}

/** Parameters with hyper-parameters of their own. */
export type Group<H extends Hyper> = H & { readonly parameters: readonly Parameter[] };

/** What an optimizer is made for: Parameters, or groups of them with options of their own. */
export type ParametersOrGroups<H extends Hyper> =
  | readonly Parameter[]
  | readonly (Partial<H> & { readonly parameters: readonly Parameter[] })[];

/** A hyper-parameter in [0, 1). */
export function checkFraction(op: string, name: string, value: number): number {
  if (!(typeof value === "number" && value >= 0 && value < 1))
    throw new RangeError(`${op}: bad ${name}: got ${describe(value)}, expected 0 ≤ ${name} < 1`);
  return value;
}

type Given<H extends Hyper> = Partial<H> & { readonly parameters: readonly Parameter[] };

/** The groups of an optimizer: what it was given, over its options, over its defaults. */
export function groupsOf<H extends Hyper>(
  name: string,
  given: ParametersOrGroups<H>,
  defaults: H,
  options: Partial<H>,
): readonly Group<H>[] {
  checkList(name, given, ", or groups of them");
  const grouped = given.length > 0 && given.every((item) => Array.isArray(grouping(item)));
  const list = (grouped ? given : [{ parameters: given }]) as readonly Given<H>[];
  const groups = list.map((group): Group<H> => {
    const { parameters: _, ...given } = group;
    checkOptions(name, { ...options, ...given }, Object.keys(defaults));
    return { ...defaults, ...defined(options), ...defined(group) };
  });
  checkParameters(
    name,
    groups.flatMap(({ parameters }) => [...parameters]),
  );
  return groups;
}

const grouping = (item: unknown): unknown =>
  (item as { parameters?: unknown } | null | undefined)?.parameters;

/** Without the fields that are undefined, which must not hide a default. */
const defined = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

function checkList(name: string, given: unknown, orElse = ""): void {
  if (!Array.isArray(given))
    throw new TypeError(
      `${name}: parameters are no list: got ${describe(given)}, expected model.parameters()${orElse}`,
    );
}

/** Parameters, of which there is at least one, and each once. */
export function checkParameters(name: string, parameters: readonly Parameter[]): void {
  checkList(name, parameters);
  for (const item of parameters)
    if (!(item instanceof Parameter))
      throw new TypeError(
        `${name}: not a parameter: got ${describe(item)}, expected Parameters, as from model.parameters()`,
      );
  if (parameters.length === 0 || new Set(parameters).size !== parameters.length)
    throw new RangeError(
      `${name}: bad list of parameters: got ${parameters.length}, expected at least one and each once`,
    );
}
