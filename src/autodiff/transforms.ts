import { checkFunction, describe } from "../describe.js";
import { keepGraphs, parameterRead } from "../evaluate.js";
import { full, zeros } from "../ops/create.js";
import { alias } from "../ops/shape.js";
import { Parameter } from "../parameter.js";
import { checkArray, formatShape, sameShape } from "../shape.js";
import { operand } from "../tape.js";
import { isFloat, Tensor } from "../tensor.js";
import { compiledTrace, currentTrace, inTrace, needUpdates, type Trace } from "../trace.js";
import { mapTree } from "../tree.js";
import { pushforward } from "./forward.js";
import { between, comesBack, pullback } from "./reverse.js";

/** A tensor, or nested arrays and objects of tensors. */
export type Tensors = Tensor | readonly Tensors[] | { readonly [key: string]: Tensors };

interface Linearized<R> {
  readonly leaves: readonly Tensor[];
  readonly result: R;
  /** Arguments' structure with another tensor at each leaf. */
  rebuild(tensors: readonly Tensor[]): unknown;
}

export function leavesOf(op: string, tree: unknown): Tensor[] {
  const leaves: Tensor[] = [];
  mapTree(tree, (leaf, path) => {
    if (!(leaf instanceof Tensor))
      throw new TypeError(
        `${op}: argument${path} is not a tensor: got ${describe(leaf)}, expected a tensor; wrap data with tensor(…)`,
      );
    leaves.push(leaf);
    return leaf;
  });
  return leaves;
}

export function replaceLeaves(tree: unknown, tensors: readonly Tensor[]): unknown {
  let next = 0;
  return mapTree(tree, () => tensors[next++]);
}

/**
 * Calls `fn` on fresh names of its arguments, so that only paths through them are differentiated.
 */
export function linearize<A extends readonly unknown[], R>(
  op: string,
  fn: (...args: A) => R,
  args: A,
): Linearized<R> {
  checkFunction(op, fn);
  const leaves = leavesOf(op, args).map((leaf) => alias(leaf));
  const result = keepGraphs(() => fn(...(replaceLeaves(args, leaves) as A)));
  return { leaves, result, rebuild: (tensors) => replaceLeaves(args, tensors) };
}

export function checkFloats(op: string, tensors: readonly Tensor[]): void {
  for (const tensor of tensors)
    if (!isFloat(tensor.dtype))
      throw new TypeError(
        `${op}: integers have no derivative: got ${tensor}, expected f32 or f64; close over it instead of passing it`,
      );
}

function checkScalar(op: string, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor))
    throw new TypeError(
      `${op}: result is not a tensor: got ${describe(value)}, expected a scalar tensor`,
    );
  if (value.rank !== 0)
    throw new RangeError(
      `${op}: result is not a scalar: got ${formatShape(value.shape)}, expected []; reduce it with sum or mean, or use vjp`,
    );
  checkFloats(op, [value]);
}

export const orZeros = (
  cotangents: readonly (Tensor | undefined)[],
  like: readonly Tensor[],
): Tensor[] =>
  like.map((tensor, index) => cotangents[index] ?? zeros(tensor.shape, { dtype: tensor.dtype }));

/**
 * What `grad` returns for arguments A: the gradient of one argument, or an array of one for each.
 */
export type GradientOf<A extends readonly unknown[]> = A extends readonly [infer Only]
  ? Only
  : { -readonly [K in keyof A]: A[K] };

/** What `fn` returns when there is something beside the scalar to hand on. */
type WithAux<Aux> = readonly [loss: Tensor, aux: Aux];

/**
 * The function that returns both `fn`'s scalar and its gradient: for one argument in its structure,
 * for several an array with one entry each. Where the scalar does not depend on an argument the
 * gradient is zero. With `aux: true`, `fn` returns `[scalar, aux]` and aux is handed on.
 */
export function valueAndGrad<A extends readonly Tensors[]>(
  fn: (...args: A) => Tensor,
): (...args: A) => { value: Tensor; grad: GradientOf<A> };
export function valueAndGrad<A extends readonly Tensors[], Aux>(
  fn: (...args: A) => WithAux<Aux>,
  options: { readonly aux: true },
): (...args: A) => { value: Tensor; grad: GradientOf<A>; aux: Aux };
export function valueAndGrad<A extends readonly Tensors[], Aux>(
  fn: (...args: A) => Tensor | WithAux<Aux>,
  options: { readonly aux?: boolean } = {},
): (...args: A) => { value: Tensor; grad: GradientOf<A>; aux?: Aux } {
  checkFunction("grad", fn);
  return (...args) => {
    const { leaves, result, rebuild } = linearize("grad", fn, args);
    checkFloats("grad", leaves);
    if (options.aux && !Array.isArray(result))
      throw new TypeError(
        `grad: result has no aux: got ${describe(result)}, expected [scalar, aux] with aux: true`,
      );
    const [loss, aux] = options.aux ? (result as WithAux<Aux>) : [result];
    checkScalar("grad", loss);
    const value = operand("grad", loss);
    const seed = full([], 1, { dtype: value.dtype });
    const gradients = rebuild(orZeros(pullback([value], [seed], leaves), leaves)) as unknown[];
    const grad = (args.length === 1 ? gradients[0] : gradients) as GradientOf<A>;
    return options.aux ? { value, grad, aux: aux as Aux } : { value, grad };
  };
}

/** The gradient of a scalar function: see `valueAndGrad`; with `aux: true` `{ grad, aux }`. */
export function grad<A extends readonly Tensors[]>(
  fn: (...args: A) => Tensor,
): (...args: A) => GradientOf<A>;
export function grad<A extends readonly Tensors[], Aux>(
  fn: (...args: A) => WithAux<Aux>,
  options: { readonly aux: true },
): (...args: A) => { grad: GradientOf<A>; aux: Aux };
export function grad<A extends readonly Tensors[], Aux>(
  fn: (...args: A) => Tensor | WithAux<Aux>,
  options: { readonly aux?: boolean } = {},
): (...args: A) => GradientOf<A> | { grad: GradientOf<A>; aux: Aux } {
  if (!options.aux) {
    const both = valueAndGrad(fn as (...args: A) => Tensor);
    return (...args) => both(...args).grad;
  }
  const all = valueAndGrad(fn as (...args: A) => WithAux<Aux>, { aux: true });
  return (...args) => {
    const { grad: gradient, aux } = all(...args);
    return { grad: gradient, aux };
  };
}

/**
 * Reverse mode: `value` = f(x), and `pullback`, which takes a cotangent in the structure of the
 * value to the cotangent of x: vᵀ·J.
 */
export function vjp<X extends Tensors, Y extends Tensors>(
  f: (x: X) => Y,
  x: X,
): { value: Y; pullback: (cotangent: Y) => X } {
  const { leaves, result, rebuild } = linearize("vjp", f, [x]);
  checkFloats("vjp", leaves);
  const outputs = leavesOf("vjp", result).map((output) => operand("vjp", output));
  // The value may be read before the pullback is called.
  for (const node of between(outputs, new Set(leaves)).active) node.pinned = true;
  return {
    value: result,
    pullback: (cotangent) => {
      const cotangents = leavesOf("pullback", cotangent);
      checkLike("pullback", cotangents, outputs);
      return (rebuild(orZeros(pullback(outputs, cotangents, leaves), leaves)) as [X])[0];
    },
  };
}

/** Forward mode: `value` = f(x) and `tangent` = J·v, in the structure of the value. */
export function jvp<X extends Tensors, Y extends Tensors>(
  f: (x: X) => Y,
  x: X,
  v: X,
): { value: Y; tangent: Y } {
  const { leaves, result } = linearize("jvp", f, [x]);
  checkFloats("jvp", leaves);
  const tangents = leavesOf("jvp", v);
  checkLike("jvp", tangents, leaves);
  const outputs = leavesOf("jvp", result).map((output) => operand("jvp", output));
  const pushed = orZeros(pushforward(outputs, leaves, tangents), outputs);
  return { value: result, tangent: replaceLeaves(result, pushed) as Y };
}

function checkLike(op: string, given: readonly Tensor[], expected: readonly Tensor[]): void {
  if (given.length !== expected.length)
    throw new RangeError(
      `${op}: structures differ: got ${given.length} tensors, expected ${expected.length}`,
    );
  for (const [index, tensor] of given.entries()) {
    const like = expected[index] as Tensor;
    if (!sameShape(tensor.shape, like.shape) || tensor.dtype !== like.dtype)
      throw new RangeError(`${op}: tensor ${index} does not fit: got ${tensor}, expected ${like}`);
  }
}

/** Everything a Parameter has stood for, in a trace and in those around it. */
function standInsOf(parameter: Parameter, trace: Trace | undefined): Tensor[] {
  if (!trace) return [parameter.read()];
  const own = trace.standIns.get(parameter) ?? [];
  if (!trace.body) return own;
  const { parent } = trace.body;
  return [...own, ...inTrace(parent, () => standInsOf(parameter, parent))];
}

/**
 * The gradient of a scalar loss with respect to each Parameter; undefined for one that the loss
 * does not reach. What a Parameter was assigned in this trace counts as that Parameter.
 */
export function gradients(loss: Tensor, parameters: readonly Parameter[]): (Tensor | undefined)[] {
  checkScalar("gradients", loss);
  checkArray("gradients", "list of parameters", parameters);
  for (const parameter of parameters)
    if (!(parameter instanceof Parameter))
      throw new TypeError(
        `gradients: not a parameter: got ${describe(parameter)}, expected a Parameter`,
      );
  const output = operand("gradients", loss);
  const trace = currentTrace();
  needUpdates(trace);
  trace?.losses.push(output);
  const wanted = new Set<Parameter>(parameters);
  const standIns = new Map<Parameter, Set<Tensor>>();
  for (const parameter of wanted) standIns.set(parameter, new Set(standInsOf(parameter, trace)));
  const targets = [...standIns.values()].flatMap((tensors) => [...tensors]);
  const seed = full([], 1, { dtype: output.dtype });
  const found = pullback([output], [seed], targets, (node) => {
    // Inside `compile` what is captured is a constant.
    if (!compiledTrace(trace) && [...node.dropped].some((parameter) => wanted.has(parameter)))
      throw new Error(
        `gradients: the graph behind ${node.outputs[0]} was dropped when its value was read: ` +
          "got no path to its parameters, expected gradients before item() or toArray()",
      );
    const read = compiledTrace(trace) ? undefined : parameterRead(node);
    if (read && wanted.has(read.parameter) && read.version !== read.parameter.version)
      throw new Error(
        `gradients: ${loss} reads ${read.parameter}, which was written after it was recorded: ` +
          `got version ${read.parameter.version}, expected ${read.version}; compute the loss again`,
      );
  });
  let next = 0;
  const byParameter = new Map<Parameter, Tensor | undefined>();
  for (const [parameter, tensors] of standIns) {
    let total: Tensor | undefined;
    for (const _ of tensors) {
      const cotangent = found[next++];
      if (cotangent) total = total ? total.add(cotangent) : cotangent;
    }
    byParameter.set(parameter, total);
    if (total) trace?.gradients.set(parameter, total);
  }
  return parameters.map((parameter) => byParameter.get(parameter));
}

/** Whether `gradients` would find any, in a trace; nothing is recorded. */
export function reaches(loss: Tensor, parameters: readonly Parameter[]): boolean {
  checkScalar("gradients", loss);
  const trace = currentTrace();
  const targets = parameters.flatMap((parameter) => standInsOf(parameter, trace));
  return comesBack(operand("gradients", loss), new Set(targets));
}
