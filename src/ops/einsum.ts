/** Einstein's summation: any contraction of one or two tensors, as one (batched) product. */
import { formatShape, sizeOf } from "../shape.js";
import { checkTensors, describe } from "../tape.js";
import type { Tensor } from "../tensor.js";
import { matmul } from "./matmul.js";
import { sum } from "./reduce.js";
import { reshape, transpose } from "./shape.js";
import { diagonal } from "./view.js";

interface Named {
  readonly x: Tensor;
  /** One letter for each axis. */
  readonly axes: readonly string[];
}

/** Letters that stand for the axes of an ellipsis, the last axis last. */
const HIDDEN = "ZYXWVUTS";

function parse(
  subscripts: string,
  operands: readonly Tensor[],
): { terms: string[]; output: string } {
  const [left = "", right, ...more] = subscripts.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (more.length > 0 || !/^[a-z.,]*$/i.test(left) || !/^[a-z.]*$/i.test(right ?? ""))
    throw new RangeError(
      `einsum: subscripts are not understood: got ${describe(subscripts)}, expected letters, commas, … and one ->`,
    );
  if (terms.length !== operands.length || operands.length < 1 || operands.length > 2)
    throw new RangeError(
      `einsum: number of operands differs: got ${operands.length} for "${subscripts}", expected ${Math.min(terms.length, 2)}`,
    );
  const hidden = (count: number): string => [...HIDDEN.slice(0, count)].reverse().join("");
  let most = 0;
  const named = terms.map((term, index) => {
    const { rank, shape } = operands[index] as Tensor;
    const letters = term.replace("...", "").length;
    const dots = term.includes("...") ? rank - letters : 0;
    if (
      letters + dots !== rank ||
      dots < 0 ||
      dots > HIDDEN.length ||
      term.replace("...", "").includes(".")
    )
      throw new RangeError(
        `einsum: axes differ: got ${formatShape(shape)} for "${term}", expected ${letters} axes`,
      );
    most = Math.max(most, dots);
    return term.replace("...", hidden(dots));
  });
  const all = named.join("");
  const once = [...new Set(all)].filter((c) => all.split(c).length === 2 && !HIDDEN.includes(c));
  const output = (right ?? `...${once.sort().join("")}`).replace("...", hidden(most));
  for (const letter of output)
    if (!all.includes(letter) || output.split(letter).length > 2)
      throw new RangeError(
        `einsum: output axis ${letter} is not in the operands once: got "${subscripts}", expected each axis of the result from them, once`,
      );
  return { terms: named, output };
}

/** Axes named twice are read along their diagonal. */
function withoutRepeats({ x, axes }: Named): Named {
  const again = axes.findIndex((letter, at) => axes.indexOf(letter) < at);
  if (again < 0) return { x, axes };
  const letter = axes[again] as string;
  const first = axes.indexOf(letter);
  if (x.shape[first] !== x.shape[again])
    throw new RangeError(
      `einsum: lengths of ${letter} differ: got ${x.shape[first]} and ${x.shape[again]}, expected equal ones`,
    );
  const rest = axes.filter((_, at) => at !== first && at !== again);
  return withoutRepeats({ x: diagonal(x, 0, first, again), axes: [...rest, letter] });
}

/** Sums over the axes that appear nowhere else. */
function summed({ x, axes }: Named, needed: string): Named {
  const gone = axes.flatMap((letter, at) => (needed.includes(letter) ? [] : [at]));
  if (gone.length === 0) return { x, axes };
  return { x: sum(x, gone), axes: axes.filter((_, at) => !gone.includes(at)) };
}

const ordered = ({ x, axes }: Named, order: readonly string[]): Tensor =>
  transpose(
    x,
    order.map((letter) => axes.indexOf(letter)),
  );

/**
 * Sums products of elements over every index that the result does not name:
 * `einsum("bij,bjk->bik", a, b)`. One or two operands, an index twice in one operand (its
 * diagonal), `...`, and NumPy's implicit result (the indices named once, sorted). Lengths of one
 * index are equal, 1 is not stretched except in `...`.
 */
export function einsum(subscripts: string, ...operands: readonly Tensor[]): Tensor {
  checkTensors("einsum", ...operands);
  const { terms, output } = parse(subscripts, operands);
  const named = terms.map((term, index) =>
    withoutRepeats({ x: operands[index] as Tensor, axes: [...term] }),
  );
  const lengths = new Map<string, number>();
  for (const { x, axes } of named)
    for (const [at, letter] of axes.entries()) {
      const length = x.shape[at] as number;
      const known = lengths.get(letter) ?? length;
      if (known !== length)
        throw new RangeError(
          `einsum: lengths of ${HIDDEN.includes(letter) ? "..." : letter} differ: got ${known} and ${length}, expected equal ones`,
        );
      lengths.set(letter, length);
    }
  const [first, second] = named as [Named, Named?];
  if (!second) return ordered(summed(first, output), [...output]);
  const a = summed(first, output + second.axes.join(""));
  const b = summed(second, output + first.axes.join(""));
  const both = a.axes.filter((letter) => b.axes.includes(letter));
  const batch = both.filter((letter) => output.includes(letter));
  const contracted = both.filter((letter) => !output.includes(letter));
  const rows = a.axes.filter((letter) => !both.includes(letter));
  const cols = b.axes.filter((letter) => !both.includes(letter));
  const size = (letters: readonly string[]): number =>
    sizeOf(letters.map((letter) => lengths.get(letter) as number));
  const [n, m, k, p] = [batch, rows, contracted, cols].map(size) as [
    number,
    number,
    number,
    number,
  ];
  const left = reshape(ordered(a, [...batch, ...rows, ...contracted]), [n, m, k]);
  const right = reshape(ordered(b, [...batch, ...contracted, ...cols]), [n, k, p]);
  const letters = [...batch, ...rows, ...cols];
  const product = reshape(
    matmul(left, right),
    letters.map((letter) => lengths.get(letter) as number),
  );
  return ordered({ x: product, axes: letters }, [...output]);
}
