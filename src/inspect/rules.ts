/**
 * What each op's backward pass does, in words, whether it works entry by entry, and what a fused one
 * consists of. d is the gradient from above (upstream), what is found is handed on (downstream).
 */
import { abs } from "../ops/compare.js";
import { add, exp, log, maximum, mul, neg, relu, sub } from "../ops/elementwise.js";
import { matmul } from "../ops/matmul.js";
import { transpose } from "../ops/shape.js";
import type { Node, Tensor } from "../tensor.js";

export interface GateRule {
  /** One sentence, without a full stop. */
  readonly words: string;
  /** Every output entry depends on the operands' entries at the same place alone. */
  readonly elementwise?: true;
  /**
   * A gate that opens: true into its op's decomposition, or into what this returns. "shifted": its
   * decomposition subtracts a maximum that it lets no gradient through, as it does not matter; here
   * the gradient flows through it as well.
   */
  readonly opens?: true | "shifted" | ((inputs: readonly Tensor[]) => readonly Tensor[]);
}

const each = (words: string, opens?: GateRule["opens"]): GateRule => ({
  words,
  elementwise: true,
  ...(opens && { opens }),
});
const whole = (words: string, opens?: GateRule["opens"]): GateRule => ({
  words,
  ...(opens && { opens }),
});

const NO_GRADIENT = "its steps are flat: it passes no gradient";
const CHOICE = "it decides and does not change by degrees: it passes no gradient";
const UPDATE = "an update of an optimizer: nothing is differentiated through it";
const LOOK = "it looks at values for a monitor: nothing is differentiated through it";
const DRAW = "it draws at random: nothing is differentiated through it";

const softplusParts = ([x]: readonly Tensor[]): readonly Tensor[] => [
  add(relu(x as Tensor), log(add(exp(neg(abs(x as Tensor))), 1))),
];
const bceParts = ([p, y]: readonly Tensor[]): readonly Tensor[] => {
  const logOf = (x: Tensor): Tensor => maximum(log(x), -100);
  const [score, target] = [p as Tensor, y as Tensor];
  return [neg(add(mul(target, logOf(score)), mul(sub(1, target), logOf(sub(1, score)))))];
};
const linearParts = ([x, weight, bias]: readonly Tensor[]): readonly Tensor[] => [
  add(matmul(x as Tensor, transpose(weight as Tensor)), bias as Tensor),
];

// biome-ignore format: a table, one op a line
const RULES: Readonly<Record<string, GateRule>> = {
  // Arithmetic.
  add: each("add distributes the gradient to all of its inputs, unchanged"),
  sub: each("subtract distributes: the first input gets the gradient, the second its negative"),
  mul: each("multiply swaps the inputs and scales: each gets the gradient times the other one"),
  div: each("divide scales: a gets d / b, b gets −d · (a / b) / b"),
  neg: each("negate turns the sign of the gradient"),
  maximum: each("max routes the gradient to the larger input; at a tie each gets half"),
  minimum: each("min routes the gradient to the smaller input; at a tie each gets half"),
  pow: each("power: the base gets d · n · xⁿ⁻¹, an exponent d · xⁿ · ln x"),
  hypot: each("hypotenuse: each side gets d times its share of the length, side / r"),
  atan2: each("angle: the gradient over the squared distance, times the other coordinate"),
  // Functions of one input.
  exp: each("exp scales by its own output, eˣ"),
  log: each("log divides the gradient by its input"),
  sqrt: each("square root divides the gradient by twice its output"),
  log1p: each("log1p divides the gradient by 1 + x"),
  expm1: each("expm1 scales by eˣ"),
  sin: each("sin scales by cos x"),
  cos: each("cos scales by −sin x"),
  tan: each("tan scales by 1 + tan² x"),
  sinh: each("sinh scales by cosh x"),
  cosh: each("cosh scales by sinh x"),
  atan: each("arctan divides the gradient by 1 + x²"),
  erf: each("erf scales by 2/√π · e^(−x²)"),
  abs: each("absolute value passes the gradient with the sign of its input; nothing at 0"),
  sign: each(NO_GRADIENT),
  floor: each(NO_GRADIENT),
  ceil: each(NO_GRADIENT),
  round: each(NO_GRADIENT),
  // Activations.
  sigmoid: each("sigmoid scales by σ(1 − σ), of its own output: at most 1/4"),
  tanh: each("tanh scales by 1 − tanh², of its own output: at most 1"),
  relu: each("relu is a gate: it passes the gradient where its input is above 0, and kills it elsewhere"),
  softplus: each("softplus scales by σ(x)", softplusParts),
  silu: each("silu scales by σ(x) · (1 + x · (1 − σ(x)))", true),
  gelu: each("gelu scales by Φ(x) + x · φ(x)", true),
  geluTanh: each("gelu scales by s + x · s(1 − s) · u′(x), s = σ(u(x)), u the cubic of its approximation", true),
  dropout: whole("dropout passes what it has let pass, scaled by 1 / (1 − p), and kills the rest; its mask is drawn, so it does not open"),
  // Choice and conversion.
  where: whole("where routes the gradient to the side that was chosen; the other gets 0"),
  cast: whole("a conversion to another kind of number: it passes no gradient"),
  eq: whole(CHOICE), ne: whole(CHOICE), lt: whole(CHOICE), le: whole(CHOICE), gt: whole(CHOICE), ge: whole(CHOICE),
  equal: whole(CHOICE), maximumShare: whole(CHOICE), logicalAnd: whole(CHOICE), logicalOr: whole(CHOICE),
  argmax: whole(CHOICE), argsort: whole(CHOICE), oneHot: whole(CHOICE),
  // Names and shapes.
  alias: each("another name for its input: it passes the gradient"),
  stopGradient: each("it lets values through and no gradient"),
  reshape: whole("reshape passes the gradient in its input's shape"),
  transpose: whole("transpose passes the gradient with its axes back in order"),
  broadcastTo: whole("broadcast repeats its input, a fork: the gradients of all copies are summed"),
  view: whole("a view passes the gradient to the entries it shows; the others get 0"),
  place: whole("placing takes the gradient back from where its input was put"),
  concat: whole("concat hands each input its own part of the gradient"),
  split: whole("split puts the gradients of its parts back together"),
  take: whole("take adds the gradient of each entry to the row it was taken from"),
  takeAdd: whole("adding at rows passes the gradient to the base, and its rows to what was added"),
  gather: whole("gather adds each entry's gradient where the entry came from"),
  scatterAdd: whole("adding at places passes the gradient to the base, and its places to what was added"),
  unfold: whole("unfold adds the gradients of all windows that an entry was in"),
  fold: whole("fold hands each window the gradient of the entries it was added to"),
  // Reductions.
  sum: whole("sum distributes: every entry gets the gradient of its sum"),
  mean: whole("mean distributes: every entry gets the gradient of its mean, divided by their number"),
  max: whole("max routes the gradient to the largest entry; ties share it equally"),
  min: whole("min routes the gradient to the smallest entry; ties share it equally"),
  cumsum: whole("a running sum sends back the running sum of the gradients, from the other end"),
  // Products.
  matmul: whole("matmul, D = W · X: dW = dD · Xᵀ, dX = Wᵀ · dD"),
  linear: whole("linear, Y = X · Wᵀ + b: dX = dY · W, dW = dYᵀ · X, db = the sum of dY's rows", linearParts),
  conv2d: whole("convolution: the image gets the gradient convolved with the flipped filters, the filters the image convolved with the gradient, the bias its sum; it does not open: its columns are never made"),
  conv2dInputGradient: whole("transposed convolution: its image gets the gradient convolved with the filters, the filters the gradient convolved with the image"),
  conv2dWeightGradient: whole("a convolution's weight gradient is linear in both: each gets a convolution of the gradient with the other"),
  maxPool2d: whole("max pooling routes each gradient to the entry that was largest in its window"),
  maxPool2dPick: whole("picking adds each gradient where the entry came from"),
  maxPool2dPlace: whole("placing takes each gradient back from where the entry went"),
  avgPool2d: whole("average pooling distributes: each entry gets the gradients of its windows, over their sizes"),
  avgPool2dBackward: whole("the transpose of average pooling: its gradient is the average pooling"),
  // Fused.
  softmax: whole("softmax, p: dx = p · (d − Σ d · p); its logarithm: dx = d − p · Σ d", "shifted"),
  causalSoftmax: whole("softmax of the keys up to the query's, p: dx = scale · p · (d − Σ d · p)", true),
  crossEntropy: whole("softmax cross-entropy: dx = (softmax(x) − one at the label) · d", "shifted"),
  bce: each("binary cross-entropy: the probability gets d · (p − y) / (p(1 − p))", bceParts),
  batchNorm: whole("batch norm: dβ = Σ d, dγ = Σ d · x̂, dx = γ · r · (d − dβ/n − x̂ · dγ/n), r = 1/√(v + ε)", true),
  batchNormEval: whole("batch norm with fixed statistics: dβ = Σ d, dγ = Σ d · x̂, dx = γ · d / √(v + ε)", true),
  layerNorm: whole("layer norm of each row: dβ = Σ d, dγ = Σ d · x̂ over the rows, dx = r · (g − mean g − x̂ · mean(g · x̂)), g = d · γ, r = 1/√(v + ε)", true),
  rmsNorm: whole("rms norm, y = x · r: dx = r · (d − y · mean(d · y)), r = 1/√(mean x² + ε)", true),
  // Derivatives of the above, in a circuit of a gradient.
  sigmoidBackward: each("d · σ(1 − σ) is a product: each factor gets the others", true),
  tanhBackward: each("d · (1 − tanh²) is a product: each factor gets the other", true),
  reluBackward: each("a relu's gate: it passes the gradient where the relu was above 0"),
  siluBackward: each("d · silu′(x) is a product: each factor gets the other", true),
  geluBackward: each("d · gelu′(x) is a product: each factor gets the other", true),
  geluTanhBackward: each("d · gelu′(x) is a product: each factor gets the other", true),
  softmaxBackward: whole("a softmax's gradient, differentiated step by step", true),
  causalSoftmaxBackward: whole("a softmax's gradient, differentiated step by step", true),
  crossEntropyBackward: whole("a cross-entropy's gradient, differentiated step by step", true),
  batchNormBackward: whole("a batch norm's gradient, differentiated step by step", true),
  layerNormBackward: whole("a layer norm's gradient, differentiated step by step", true),
  rmsNormBackward: whole("an rms norm's gradient, differentiated step by step", true),
  // Functions with tapes of their own.
  checkpoint: whole("computed again on the way back, then differentiated step by step", true),
  customGrad: whole("its gradient is the rule it was given; it does not open: what is inside is not what is differentiated"),
  repeat: whole("a function for each index: what all indices share gets the sum of their gradients; it does not open: its values differ from index to index"),
  // What comes from outside, and what nothing comes back from.
  constant: whole("a constant: nothing flows back"),
  placeholder: whole("an input: the gradient ends here"),
  bodyInput: whole("an input: the gradient ends here"),
  parameter: whole("a parameter: the gradient ends here"),
  host: whole("numbers from outside: nothing flows back"),
  randomBits: whole(DRAW), uniform: whole(DRAW), normal: whole(DRAW),
  statistics: whole(LOOK), distance: whole(LOOK),
  sgd: whole(UPDATE), sgdMomentum: whole(UPDATE), adam: whole(UPDATE), increment: whole(UPDATE),
};

/** The rule of an op; of one that has none here, what is true of all. */
export function ruleOf(name: string): GateRule {
  return Object.hasOwn(RULES, name)
    ? (RULES[name] as GateRule)
    : { words: `${name} multiplies the gradient by the transpose of its Jacobian` };
}

/** What a fused op makes of these inputs, in basic ops; undefined for one that does not open. */
export function partsOf(
  { op, attrs }: Node,
  inputs: readonly Tensor[],
): readonly Tensor[] | undefined {
  const { opens } = ruleOf(op.name);
  if (!opens) return undefined;
  return typeof opens === "function" ? opens(inputs) : op.decomposition?.(inputs, attrs);
}

export const hasRule = (name: string): boolean => Object.hasOwn(RULES, name);
