/** Einstein's summation: any contraction of tensors, as a (batched) product for each after the first. */
import { describe } from "../describe.js";
import { formatShape, sizeOf } from "../shape.js";
import { checkTensors } from "../tape.js";
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

/** What stands for the axes of an ellipsis, the last axis first: no letter that a caller may write. */
const HIDDEN = "01234567";

function parse(
  subscripts: string,
  operands: readonly Tensor[],
): { terms: string[]; output: string } {
  const [left = "", right, ...more] = String(subscripts).replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (more.length > 0 || !/^[a-z.,]*$/i.test(left) || !/^[a-z.]*$/i.test(right ?? ""))
    throw new RangeError(
      `einsum: subscripts are not understood: got ${describe(subscripts)}, expected letters, commas, … and one ->`,
    );
  if (terms.length !== operands.length)
    throw new RangeError(
      `einsum: number of operands differs: got ${operands.length} for "${subscripts}", expected ${terms.length}`,
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

/** The length of every index. Axes of an ellipsis broadcast: a length of 1 there fits any other. */
function lengthsOf(named: readonly Named[]): ReadonlyMap<string, number> {
  const lengths = new Map<string, number>();
  for (const { x, axes } of named)
    for (const [at, letter] of axes.entries()) {
      const length = x.shape[at] as number;
      const known = lengths.get(letter) ?? length;
      const hidden = HIDDEN.includes(letter);
      if (known !== length && !(hidden && (known === 1 || length === 1)))
        throw new RangeError(
          `einsum: lengths of ${hidden ? "..." : letter} differ: got ${known} and ${length}, expected equal ones`,
        );
      lengths.set(letter, known === 1 ? length : known);
    }
  return lengths;
}

/** Without the axes of length 1 that are stretched: a product with the other operand does it. */
function withoutStretched({ x, axes }: Named, lengths: ReadonlyMap<string, number>): Named {
  const kept = axes.filter((letter, at) => x.shape[at] === lengths.get(letter));
  if (kept.length === axes.length) return { x, axes };
  return {
    x: reshape(
      x,
      kept.map((letter) => lengths.get(letter) as number),
    ),
    axes: kept,
  };
}

/** Both operands as one, with the letters that are needed: one batched product. */
function contracted(
  first: Named,
  second: Named,
  needed: string,
  lengths: ReadonlyMap<string, number>,
): Named {
  const a = summed(first, needed + second.axes.join(""));
  const b = summed(second, needed + first.axes.join(""));
  const both = a.axes.filter((letter) => b.axes.includes(letter));
  const batch = both.filter((letter) => needed.includes(letter));
  const gone = both.filter((letter) => !needed.includes(letter));
  const rows = a.axes.filter((letter) => !both.includes(letter));
  const cols = b.axes.filter((letter) => !both.includes(letter));
  const shapeOf = (letters: readonly string[]): number[] =>
    letters.map((letter) => lengths.get(letter) as number);
  const [n, m, k, p] = [batch, rows, gone, cols].map((letters) => sizeOf(shapeOf(letters))) as [
    number,
    number,
    number,
    number,
  ];
  const left = reshape(ordered(a, [...batch, ...rows, ...gone]), [n, m, k]);
  const right = reshape(ordered(b, [...batch, ...gone, ...cols]), [n, k, p]);
  const axes = [...batch, ...rows, ...cols];
  return { x: reshape(matmul(left, right), shapeOf(axes)), axes };
}

/**
 * Sums products of elements over every index that the result does not name:
 * `einsum("bij,bjk->bik", a, b)`. Any number of operands, multiplied from the left; an index twice
 * in one operand (its diagonal), `...`, and NumPy's implicit result (the indices named once,
 * sorted). Lengths of one index are equal, 1 is not stretched except in `...`.
 */
export function einsum(subscripts: string, ...operands: readonly Tensor[]): Tensor {
  checkTensors("einsum", ...operands);
  const { terms, output } = parse(subscripts, operands);
  const named = terms.map((term, index) =>
    withoutRepeats({ x: operands[index] as Tensor, axes: [...term] }),
  );
  const lengths = lengthsOf(named);
  const [first, ...rest] = named.map((each) => withoutStretched(each, lengths)) as [
    Named,
    ...Named[],
  ];
  const product = rest.reduce((left, right, index) => {
    const later = rest.slice(index + 1).flatMap(({ axes }) => axes);
    return contracted(left, right, output + later.join(""), lengths);
  }, first);
  return ordered(summed(product, output), [...output]);
}
