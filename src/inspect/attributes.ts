/** An op's attributes as short text: "axes [0, 1]", "kernel 3 × 3, stride 2". */
import { describe } from "../describe.js";
import { Body } from "../ops/body.js";
import type { Geometry } from "../ops/geometry.js";

/** What only the library itself needs. */
const HIDDEN = new Set(["id", "ordinal", "op", "rules", "args", "result", "mapped", "source"]);

const isGeometry = (value: object): value is Geometry => "kernel" in value && "dilation" in value;

/** Of a window that slides: what its operands' shapes do not tell, and is not as usual. */
function windowText({ kernel, stride, padding, dilation, groups }: Geometry): string {
  const both = ([h, w]: readonly [number, number]): string => (h === w ? `${h}` : `${h} × ${w}`);
  const parts = [
    `kernel ${kernel.join(" × ")}`,
    `stride ${both(stride)}`,
    `padding ${both(padding)}`,
    `dilation ${both(dilation)}`,
    `groups ${groups}`,
  ];
  const usual = ["stride 1", "padding 0", "dilation 1", "groups 1"];
  return parts.filter((part) => !usual.includes(part)).join(", ");
}

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

function attributeText(name: string, value: unknown): string {
  if (value === true) return (PRODUCT as Record<string, string>)[name] ?? name;
  return name === "geometry" ? valueText(value) : `${name} ${valueText(value)}`;
}

/** Names that are only said when true, and others with their value. */
export function attributesText(attrs: unknown): string {
  if (attrs === null || attrs === undefined) return "";
  if (typeof attrs !== "object") return valueText(attrs);
  if (isGeometry(attrs)) return windowText(attrs);
  return Object.entries(attrs)
    .filter(([name, value]) => !HIDDEN.has(name) && value !== false && value !== null)
    .map(([name, value]) => attributeText(name, value))
    .join(", ");
}
