/** Programs that a case gives as text: `q=x+y; f=q*z`, `tanh(x@W1+b1)@W2+b2`. */
import * as c from "../../../src/index.js";
import { crossEntropy } from "../../../src/nn/index.js";

export type Named = Readonly<Record<string, c.Tensor>>;

const { abs, cos, erf, exp, gelu, log, mean, relu, sigmoid, silu, sin, softmax, softplus, sqrt } =
  c;
const { square, sum, tanh, tan, sinh, cosh, atan, log1p, expm1, neg, logSoftmax, logSumExp } = c;
const unary = { abs, cos, erf, exp, gelu, log, mean, relu, sigmoid, silu, sin, softmax, softplus };
const more = { sqrt, square, sum, tanh, tan, sinh, cosh, atan, log1p, expm1, neg };
const renamed = { log_softmax: logSoftmax, logsumexp: logSumExp };

const functions: Readonly<Record<string, (a: c.Tensor, b: c.Tensor) => c.Tensor>> = {
  ...Object.fromEntries(
    Object.entries<(x: c.Tensor) => c.Tensor>({ ...unary, ...more, ...renamed }).map(
      ([name, f]) => [name, (x: c.Tensor) => f(x)],
    ),
  ),
  max: (a, b) => c.maximum(a, b),
  min: (a, b) => c.minimum(a, b),
  cross_entropy: (x, y) => crossEntropy(x, y),
};

/** Evaluates one expression by recursive descent: + −, then * / @, then a sign, then ^. */
function evaluate(text: string, names: Named): c.Tensor {
  const tokens = text.match(/\d+\.?\d*(?:e[+-]?\d+)?|\w+|[-+*/@^(),]/g) ?? [];
  let at = 0;
  const accept = (...wanted: string[]): string | undefined =>
    wanted.includes(tokens[at] as string) ? tokens[at++] : undefined;
  const sum = (): c.Tensor => {
    let left = product();
    for (let sign = accept("+", "-"); sign; sign = accept("+", "-"))
      left = sign === "+" ? c.add(left, product()) : c.sub(left, product());
    return left;
  };
  const product = (): c.Tensor => {
    let left = signed();
    for (let sign = accept("*", "/", "@"); sign; sign = accept("*", "/", "@")) {
      const right = signed();
      left =
        sign === "*"
          ? c.mul(left, right)
          : sign === "/"
            ? c.div(left, right)
            : c.matmul(left, right);
    }
    return left;
  };
  const signed = (): c.Tensor => (accept("-") ? c.neg(signed()) : power());
  const power = (): c.Tensor => {
    const base = atom();
    return accept("^") ? c.pow(base, Number(tokens[at++])) : base;
  };
  const list = (): c.Tensor[] => {
    const items = [sum()];
    while (accept(",")) items.push(sum());
    accept(")");
    return items;
  };
  const atom = (): c.Tensor => {
    const token = tokens[at++] ?? "";
    if (token === "(") return list()[0] as c.Tensor;
    if (/^\d/.test(token))
      return c.tensor(Number(token), { dtype: Object.values(names)[0]?.dtype ?? "f32" });
    const known = names[token];
    if (known) return known;
    const apply = functions[token];
    if (apply && accept("(")) return apply(...(list() as [c.Tensor, c.Tensor]));
    // x1 is an element of x.
    const [, name = "", index] = /^([a-z]+)(\d+)$/.exec(token) ?? [];
    const vector = names[name];
    if (!vector) throw new RangeError(`the program is not understood at "${token}" in "${text}"`);
    return vector.slice([Number(index)]);
  };
  return sum();
}

/** Every name that a program of statements gives a value, each through `see`. */
export function run(
  program: string,
  inputs: Named,
  see: (name: string, value: c.Tensor) => c.Tensor = (_, value) => value,
): Named {
  const names: Record<string, c.Tensor> = { ...inputs };
  for (const statement of program.split(";")) {
    const [name = "", expression] = statement.split("=").map((part) => part.trim());
    if (expression === undefined) names.result = evaluate(name, names);
    else names[name] = see(name, evaluate(expression, names));
  }
  return names;
}
