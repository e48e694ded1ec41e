/** Convolutions and pools as calls of this library. */
import type { Geometry } from "../ops/geometry.js";
import { calling, listText, type Writer } from "./writer.js";

const optionsText = (options: Readonly<Record<string, string | undefined>>): string[] => {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return given.length === 0 ? [] : [`{ ${given.map(([k, v]) => `${k}: ${v}`).join(", ")} }`];
};
const unless = (pair: readonly number[], usual: readonly number[]): string | undefined =>
  pair.every((n, axis) => n === usual[axis]) ? undefined : listText(pair);

export function convText(
  to: Writer,
  g: Geometry,
  x: string,
  w: string,
  bias: string | undefined,
): string {
  const options = optionsText({
    stride: unless(g.stride, [1, 1]),
    padding: unless(g.padding, [0, 0]),
    dilation: unless(g.dilation, [1, 1]),
    groups: g.groups === 1 ? undefined : String(g.groups),
  });
  const rest = options.length > 0 ? [bias ?? "undefined", ...options] : bias ? [bias] : [];
  return calling(to, "conv2d", x, w, ...rest);
}

/** Whether the last window sticks out. */
const ceils = (g: Geometry): boolean =>
  g.output.some((n, axis) => {
    const span = (g.dilation[axis] as number) * ((g.kernel[axis] as number) - 1) + 1;
    const room = (g.input[axis] as number) + 2 * (g.padding[axis] as number) - span;
    return n > Math.floor(room / (g.stride[axis] as number)) + 1;
  });

export function poolText(
  to: Writer,
  name: string,
  x: string,
  g: Geometry,
  more: Readonly<Record<string, string | undefined>> = {},
): string {
  const options = optionsText({
    stride: unless(g.stride, g.kernel),
    padding: unless(g.padding, [0, 0]),
    dilation: unless(g.dilation, [1, 1]),
    ceilMode: ceils(g) ? "true" : undefined,
    ...more,
  });
  return calling(to, name, x, listText(g.kernel), ...options);
}

export interface AverageAttrs {
  readonly geometry: Geometry;
  readonly countIncludePad: boolean;
  readonly divisor: number | null;
}
export const averageText = (to: Writer, x: string, attrs: AverageAttrs): string =>
  poolText(to, "avgPool2d", x, attrs.geometry, {
    countIncludePad: attrs.countIncludePad ? undefined : "false",
    divisorOverride: attrs.divisor === null ? undefined : String(attrs.divisor),
  });
