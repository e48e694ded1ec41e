/** Numbers and tensors in few characters, and in full. */
import { formatShape, sizeOf } from "../../shape.js";
import type { Dtype } from "../../tensor.js";
import type { Summary } from "../types.js";

/** Digits that a drawing shows; the full number is in the title of what it stands on. */
const DIGITS = 4;
/** Enough for every f64. */
const FULL = 17;
const MINUS = "−";

const equal = (a: number, b: number, dtype: Dtype): boolean =>
  a === b || (dtype === "f32" && Math.fround(a) === b);

/** With at most `digits` significant digits, and no more than tell the number from its neighbours. */
function digitsOf(value: number, dtype: Dtype, digits: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? `${MINUS}∞` : "∞";
  if (Object.is(value, -0)) return `${MINUS}0`;
  let text = "";
  for (let count = 1; count <= digits; count++) {
    text = value.toPrecision(count);
    if (equal(Number(text), value, dtype)) {
      text = String(Number(text));
      break;
    }
  }
  // 123456 with four digits is 1.235e+5.
  return text.replace("e+", "e").replaceAll("-", MINUS);
}

/** 0.7311, 12, −3.5, 1.235e−7, NaN, ∞. */
export const short = (value: number, dtype: Dtype): string => digitsOf(value, dtype, DIGITS);

/** The shortest decimal that is this number and no other of its dtype. */
export const full = (value: number, dtype: Dtype): string => digitsOf(value, dtype, FULL);

/** Of what is computed from many entries, as many digits as an f32 has. */
export const wide = (value: number): string => digitsOf(value, "f64", 7);

/** The one entry of a tensor that has one; undefined for the others. */
export const single = (summary: Summary): number | undefined =>
  sizeOf(summary.shape) === 1 ? summary.entries[0] : undefined;

/** "−1.2 … 3.4", or "no entries". */
export function rangeText({ min, max, dtype, shape }: Summary, digits = short): string {
  if (sizeOf(shape) === 0) return "no entries";
  return Object.is(min, max) ? digits(min, dtype) : `${digits(min, dtype)} … ${digits(max, dtype)}`;
}

/** "3" for one entry, else "[64, 10], −1.2 … 3.4, norm 12.3", in full. */
export function describeSummary(summary: Summary): string {
  const { dtype, mean, norm } = summary;
  const one = single(summary);
  if (one !== undefined && summary.shape.length === 0) return full(one, dtype);
  const parts = [`${formatShape(summary.shape)} of ${dtype}`];
  if (sizeOf(summary.shape) === 0) return `${parts[0]}, no entries`;
  if (one !== undefined) return `${full(one, dtype)}, shape ${parts[0]}`;
  parts.push(rangeText(summary, full), `mean ${wide(mean)}`, `norm ${wide(norm)}`);
  return parts.join(", ");
}

/** Rows of numbers, as far as there are entries; says how many it leaves out. */
export function entriesText(summary: Summary): string {
  const { entries, dtype, shape } = summary;
  const size = sizeOf(shape);
  const row = shape.at(-1) ?? 1;
  const texts = entries.map((entry) => short(entry, dtype));
  const width = Math.max(0, ...texts.map(({ length }) => length));
  const rows: string[] = [];
  for (let begin = 0; begin < texts.length; begin += Math.max(row, 1))
    rows.push(
      texts
        .slice(begin, begin + row)
        .map((text) => text.padStart(width))
        .join("  "),
    );
  if (size > entries.length) rows.push(`… ${size - entries.length} more of ${size}`);
  return rows.join("\n");
}
