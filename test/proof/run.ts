/** `npm run proof`: measures every op and writes `docs/ops.md`; exits with 1 on any miss. */
import { mkdirSync, writeFileSync } from "node:fs";
import type { Measured } from "./measure.js";
import { ops, proof, type Swept, sweeps, sweepTable, table } from "./proof.js";

/** Odd, so that it meets all low bits. */
const STRIDE = 499;
const WINDOW = 2000;

const page = (measured: readonly Measured[], swept: readonly Swept[]): string => `# Ops, proved

Every op in every build, as \`npm run proof\` measured it. The numbers are the largest over the uses of
the op in \`test/ops/rows\`: options, axes, broadcasts.

- **ULP**: the error of the result from f64's, in f32's units in the last place of its largest element.
- **reverse**, **forward**: the error of \`vjp\` and \`jvp\`. In f64 from central differences (reverse) and
  from the other mode (forward), relative; in f32 from the derivative in f64. **second** is the same for
  the gradient of the gradient.
- **bits**: whether WebAssembly and TypeScript give the same bits, for values and gradients, with NaN,
  infinities, zeros of both signs, subnormals and large numbers among the inputs.
- **PyTorch**: cases computed by PyTorch that pass, values and gradients, in that build.

${table(measured)}

## Functions over all of f32

Every ${STRIDE}th of the 2³² patterns of f32, subnormals, infinities and NaNs among them, and every pattern
within ${WINDOW} of the places where an approximation would fail first (near 1 for \`log\`, near multiples of
π/2 and f32's worst cases for \`sin\`, where functions overflow, where argument reduction changes). The truth
is double precision.

${sweepTable(swept)}
`;

export function main(): number {
  const measured: Measured[] = [];
  for (const found of proof()) {
    measured.push(found);
    for (const miss of found.misses) console.error(`${found.op}, ${found.build}: ${miss}`);
  }
  const swept = [...sweeps({ stride: STRIDE, window: WINDOW })];
  const far = swept.filter(({ ulp, bound }) => !(ulp <= bound));
  for (const { name, build, ulp, at } of far)
    console.error(`${name}, ${build}: ${ulp} ULP at ${at}`);
  mkdirSync("docs", { recursive: true });
  writeFileSync("docs/ops.md", page(measured, swept));
  const missed = measured.filter(({ misses }) => misses.length > 0).length + far.length;
  console.log(
    `docs/ops.md: ${ops.length} ops in ${measured.length} lines, ${missed === 0 ? "all proved" : `${missed} with misses`}`,
  );
  return missed === 0 ? 0 : 1;
}
