/**
 * Arithmetic of hyper-parameters and schedules: from `+ − * /` and square roots alone, because
 * engines round `Math.cos`, `Math.exp` and `**` differently.
 */

/** baseⁿ by repeated squaring, n a whole number. */
export function power(base: number, n: number): number {
  let result = 1;
  let square = base;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

/** Σ cᵢ xⁱ by Horner's rule. */
const polynomial = (x: number, coefficients: readonly number[]): number =>
  coefficients.reduceRight((sum, c) => sum * x + c, 0);

/** 1 / n! for n < 18: Taylor's series of eˣ. */
const EXP = /* @__PURE__ */ Array.from({ length: 18 }, (_, n) => {
  let factorial = 1;
  for (let k = 2; k <= n; k++) factorial *= k;
  return 1 / factorial;
});

/** eˣ, |x| ≤ 700: the series where |x| ≤ ½, then squared back. Within 10⁻¹³, relatively. */
export function exponential(x: number): number {
  let [reduced, squarings] = [x, 0];
  while (Math.abs(reduced) > 0.5) {
    reduced /= 2;
    squarings++;
  }
  let result = polynomial(reduced, EXP);
  for (; squarings > 0; squarings--) result *= result;
  return result;
}

/** cos x = Σ (−1)ᵏ x²ᵏ / (2k)!, sin x = x · Σ (−1)ᵏ x²ᵏ / (2k + 1)!, for |x| ≤ π/4. */
const COS = EXP.filter((_, n) => n % 2 === 0).map((c, k) => (k % 2 ? -c : c));
const SIN = EXP.filter((_, n) => n % 2 === 1).map((c, k) => (k % 2 ? -c : c));

/** cos(π x), x ≥ 0: exact at whole numbers and halves, else within 10⁻¹⁵. */
export function cosPi(x: number): number {
  const turn = x % 2;
  const half = turn > 1 ? 2 - turn : turn;
  // cos(π(1 − h)) = −cos(πh), and near ½ the sine of what is left is exact.
  if (half > 0.75) return -cosPi(1 - half);
  const angle = Math.PI * (half > 0.25 ? 0.5 - half : half);
  const square = angle * angle;
  return half > 0.25 ? angle * polynomial(square, SIN) : polynomial(square, COS);
}
