/**
 * The double-precision twin of `math.ts` and the `wide` files. f64 promises accuracy, not bits, so what
 * the engine has is the engine's.
 */

/** eˣ */
export function exp1(x: number): number {
  return Math.exp(x);
}

/** ln x */
export function log1(x: number): number {
  return Math.log(x);
}

/** 1 / (1 + e⁻ˣ), in the form that neither overflows nor loses the small end. */
export function sigmoid1(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

/** tanh x */
export function tanh1(x: number): number {
  return Math.tanh(x);
}

/** eˣ − 1 */
export const expm1Of = (x: number): number => Math.expm1(x);
/** ln (1 + x) */
export const log1pOf = (x: number): number => Math.log1p(x);
export const sinOf = (x: number): number => Math.sin(x);
export const cosOf = (x: number): number => Math.cos(x);
export const tanOf = (x: number): number => Math.tan(x);
export const sinhOf = (x: number): number => Math.sinh(x);
export const coshOf = (x: number): number => Math.cosh(x);
export const atanOf = (x: number): number => Math.atan(x);
/** The angle of the point (x, y). */
export const atan2Of = (y: number, x: number): number => Math.atan2(y, x);
/** √(a² + b²) */
export const hypotOf = (a: number, b: number): number => Math.hypot(a, b);

/** xʸ; C99 gives 1 where ECMAScript gives NaN: 1ʸ for any y, (−1)^±Infinity. */
export function powOf(x: number, y: number): number {
  if (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY)) return 1;
  return x ** y;
}

/** erf x / x as a polynomial in x², |x| < 1; relative error 2⁻⁵⁷. */
const ERF_NEAR = [
  -7.779462971761593e-10, 1.3710988704190521e-8, -1.6206318752969208e-7, 1.6447132699786621e-6,
  -1.4924712439534814e-5, 1.205529358693695e-4, -8.548325929766244e-4, 5.223977606130842e-3,
  -2.6866170643113415e-2, 0.112837916709442, -0.3761263890318352, 1.1283791670955126,
];
/** e^x² · erfc x as a polynomial in (x − 2.5) / (x + 2.5), 1 ≤ x ≤ 6; error of erfc 2⁻⁶¹. */
const ERFC_FAR = [
  7.528119198509438e-6, 1.6756780051502155e-5, -3.5745166430367484e-5, -1.29486408057967e-4,
  2.2826741182103264e-4, 8.759136029443325e-4, -2.6423627266361142e-3, -3.993700619774719e-3,
  3.9922539095173445e-2, -0.1250330523817275, 0.25171319321718816, -0.3717367339489765,
  0.2108063640611437,
];

/**
 * erf x, error below 2 ULP (`test/kernels/erf.test.ts`): minimax polynomials found by Remez's exchange
 * in 60 digits.
 */
export function erfOf(x: number): number {
  const a = Math.abs(x);
  if (a < 1) return x * polynomial(ERF_NEAR, x * x);
  if (!(a < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  const erfc = Math.exp(-a * a) * polynomial(ERFC_FAR, (a - 2.5) / (a + 2.5));
  return Math.sign(x) * (1 - erfc);
}

/** e^(t²/2) · Φ(−t) as a polynomial in (t − 5) / (t + 5), 0 ≤ t ≤ 39; relative error 2⁻⁵⁸. */
const NORMAL_TAIL = [
  6.080635422995806e-12, -2.225175378890054e-10, -5.894328431227976e-10, 1.7934454002992173e-9,
  5.718114027997379e-9, -1.094573168154813e-8, -3.919366215398771e-8, 7.70640257243927e-8,
  2.433624698572301e-7, -6.750546491030631e-7, -1.2700828743885455e-6, 6.644412631069482e-6,
  9.613084843489427e-7, -6.042748080937304e-5, 1.342768427819235e-4, 2.1955073733942766e-4,
  -2.378844356596739e-3, 8.991370550612868e-3, -2.341390048770005e-2, 4.785535228416913e-2,
  -8.088387726412712e-2, 0.1160688118860033, -0.14345755526401197, 7.691930497500629e-2,
];
/** Beyond it the normal distribution is 0 or 1. */
const FAR = 39;

const near = (x: number): number => Math.max(-FAR, Math.min(x, FAR));

const bell = (x: number): number => (Math.abs(x) > FAR ? 0 : Math.exp(-x * x * 0.5));

/** The normal distribution Φ, relative error below 0 as above it: the minimax polynomial. */
function distribution(x: number): number {
  const t = Math.min(Math.abs(x), FAR);
  const tail = bell(x) * polynomial(NORMAL_TAIL, (t - 5) / (t + 5));
  return x < 0 ? tail : 1 - tail;
}

/** x·Φ(x) */
export const geluOf = (x: number): number => x * distribution(x);
/** Φ(x) + x·e^(−x²/2) / √2π */
export const geluSlopeOf = (x: number): number =>
  distribution(x) + near(x) * bell(x) * 0.3989422804014327;

const LINEAR = 1.5957691216057308;
/** 0.044715 · LINEAR */
const CUBIC = 0.07135481627260025;

/** ½(1 + tanh u) = 1 / (1 + e^−2u) */
const gate = (x: number): number => sigmoid1(x * (x * x * CUBIC + LINEAR));

/** ½x(1 + tanh u) */
export const geluTanhOf = (x: number): number => x * gate(x);
/** s·(1 + x·(1 − s)·2u′), s = ½(1 + tanh u) */
export function geluTanhSlopeOf(x: number): number {
  const c = near(x);
  return gate(c) * (1 + c * gate(-c) * (c * c * 3 * CUBIC + LINEAR));
}

/** Coefficients from the highest power down, for w − 3.125 where w < 6.25. */
const CENTRAL = [
  -3.64441206401782e-21, -1.6850591381820166e-19, 1.28584807152564e-18, 1.1157877678025181e-17,
  -1.333171662854621e-16, 2.0972767875968562e-17, 6.637638134358324e-15, -4.054566272975207e-14,
  -8.151934197605472e-14, 2.6335093153082323e-12, -1.2975133253453532e-11, -5.415412054294628e-11,
  1.0512122733215323e-9, -4.112633980346984e-9, -2.9070369957882005e-8, 4.2347877827932404e-7,
  -1.3654692000834679e-6, -1.3882523362786469e-5, 1.8673420803405714e-4, -7.40702534166267e-4,
  -6.033670871430149e-3, 2.4015818242558962e-1, 1.6536545626831027,
];
/** For √w − 3.25 where 6.25 ≤ w < 16. */
const MIDDLE = [
  2.2137376921775787e-9, 9.075656193888539e-8, -2.7517406297064545e-7, 1.8239629214389228e-8,
  1.5027403968909828e-6, -4.013867526981546e-6, 2.9234449089955446e-6, 1.2475304481671779e-5,
  -4.7318229009055734e-5, 6.828485145957318e-5, 2.4031110387097894e-5, -3.550375203628475e-4,
  9.532893797373805e-4, -1.6882755560235047e-3, 2.491442096107851e-3, -3.751208507569241e-3,
  5.370914553590064e-3, 1.0052589676941592, 3.0838856104922208,
];
/** For √w − 5 above. */
const TAIL = [
  -2.7109920616438573e-11, -2.555641816996525e-10, 1.5076572693500548e-9, -3.789465440126737e-9,
  7.61570120807834e-9, -1.496002662714924e-8, 2.914795345090108e-8, -6.771199775845234e-8,
  2.2900482228026655e-7, -9.9298272942317e-7, 4.526062597223154e-6, -1.968177810553167e-5,
  7.599527703001776e-5, -2.1503011930044477e-4, -1.3871931833623122e-4, 1.0103004648645344,
  4.849906401408584,
];

function polynomial(coefficients: readonly number[], x: number): number {
  let p = 0;
  for (const c of coefficients) p = p * x + c;
  return p;
}

/**
 * The inverse of erf for |x| < 1, relative error below 2e-15 (`test/kernels/erf.test.ts`):
 * M. Giles, "Approximating the erfinv function", GPU Computing Gems (2011), double precision.
 */
export function erfinv1(x: number): number {
  const w = -Math.log((1 - x) * (1 + x));
  if (w < 6.25) return polynomial(CENTRAL, w - 3.125) * x;
  const s = Math.sqrt(w);
  return (w < 16 ? polynomial(MIDDLE, s - 3.25) : polynomial(TAIL, s - 5)) * x;
}
