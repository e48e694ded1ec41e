/** `npm run proof`: measures every op and writes `docs/ops.md`; exits with 1 on any miss. */
import { mkdirSync, writeFileSync } from "node:fs";
import type { Measured } from "./measure.js";
import { ops, proof, table } from "./proof.js";

const page = (measured: readonly Measured[]): string => `# Ops, proved

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
`;

export function main(): number {
  const measured: Measured[] = [];
  for (const found of proof()) {
    measured.push(found);
    for (const miss of found.misses) console.error(`${found.op}, ${found.build}: ${miss}`);
  }
  mkdirSync("docs", { recursive: true });
  writeFileSync("docs/ops.md", page(measured));
  const missed = measured.filter(({ misses }) => misses.length > 0).length;
  console.log(
    `docs/ops.md: ${ops.length} ops in ${measured.length} lines, ${missed === 0 ? "all proved" : `${missed} with misses`}`,
  );
  return missed === 0 ? 0 : 1;
}
