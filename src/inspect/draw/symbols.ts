/** How gates look: a sign in a circle for those that have one, a rounded box with the op's name else. */

const SIGNS: Readonly<Record<string, string>> = {
  add: "+",
  sub: "−",
  mul: "×",
  div: "÷",
  neg: "−1×",
  square: "x²",
  sqrt: "√",
  reciprocal: "1/x",
  sigmoid: "σ",
  sum: "Σ",
  maximum: "max",
  minimum: "min",
};

/** Gates whose operands may change places: the others number theirs. */
const COMMUTATIVE = new Set(["add", "mul", "maximum", "minimum", "eq", "ne"]);

export const signOf = (name: string): string => SIGNS[name] ?? name;

export const numbersOperands = (name: string, operands: number): boolean =>
  operands > 1 && !COMMUTATIVE.has(name);
