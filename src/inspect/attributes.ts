/** An op's attributes as short text: "axes [0, 1]", "stride 2 × 2". */
import { Body } from "../ops/body.js";
import { describe } from "../tape.js";

/** What only the library itself needs. */
const HIDDEN = new Set(["id", "ordinal", "op", "rules", "args", "result", "mapped", "source"]);

function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  if (value instanceof Body) return `of ${value.nodes.length} ops`;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string") return value;
  if (value && Object.getPrototypeOf(value) === Object.prototype) return attributesText(value);
  return describe(value);
}

/** Of a matrix product: which factor is read as its transpose. */
const PRODUCT = { a: "a transposed", b: "b transposed" } as const;

/** Names that are only said when true, and others with their value. */
export function attributesText(attrs: unknown): string {
  if (attrs === null || attrs === undefined) return "";
  if (typeof attrs !== "object") return valueText(attrs);
  return Object.entries(attrs)
    .filter(([name, value]) => !HIDDEN.has(name) && value !== false && value !== null)
    .map(([name, value]) =>
      value === true
        ? ((PRODUCT as Record<string, string>)[name] ?? name)
        : `${name} ${valueText(value)}`,
    )
    .join(", ");
}
