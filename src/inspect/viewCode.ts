/** Views, and their transposes, as calls of this library: slices and pads, or else by index. */
import { type Shape, sizeOf, stridesOf } from "../shape.js";
import { Unwritten } from "./code.js";
import { calling, input, listText, type TensorForm, type Writer, zerosText } from "./writer.js";

interface ViewAttrs {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Where each axis of a view begins in an axis of the whole, if the view walks it in steps. */
function rangesOf(whole: Shape, { shape, strides, offset }: ViewAttrs) {
  const own = stridesOf(whole);
  if (shape.length !== whole.length || sizeOf(shape) === 0) return undefined;
  let rest = offset;
  const ranges = own.map((stride, axis) => {
    const start = Math.floor(rest / stride);
    rest -= start * stride;
    return { start, count: shape[axis] as number, step: (strides[axis] as number) / stride };
  });
  const fits = ranges.every(
    ({ start, count, step }, axis) =>
      Number.isInteger(step) && step > 0 && start + (count - 1) * step < (whole[axis] as number),
  );
  return fits && rest === 0 ? ranges : undefined;
}

/** The places of a view's elements among those of the whole, one list after the other. */
function placesText(to: Writer, { shape, strides, offset }: ViewAttrs): string {
  let places = [offset];
  for (const [axis, n] of shape.entries())
    places = places.flatMap((at) =>
      Array.from({ length: n }, (_, i) => at + i * (strides[axis] as number)),
    );
  return calling(to, "tensor", listText(places), '{ dtype: "i32" }');
}

export const viewText: TensorForm = (to, node) => {
  const x = input(node, 0);
  const attrs = node.attrs as ViewAttrs;
  const ranges = rangesOf(x.shape, attrs);
  if (!ranges) {
    const flat = calling(to, "reshape", to.text(x), listText([x.size]));
    const taken = calling(to, "indexSelect", flat, "0", placesText(to, attrs));
    return calling(to, "reshape", taken, listText(attrs.shape));
  }
  const parts = ranges.map(({ start, count, step }, axis) => {
    if (start === 0 && step === 1 && count === x.shape[axis]) return "null";
    const bounds = [start, start + (count - 1) * step + 1, ...(step === 1 ? [] : [step])];
    return listText(bounds);
  });
  return calling(to, "slice", to.text(x), `[${parts.join(", ")}]`);
};

export const placeText: TensorForm = (to, node) => {
  const x = input(node, 0);
  const attrs = node.attrs as ViewAttrs & { readonly whole: Shape; readonly value: number };
  const ranges = rangesOf(attrs.whole, { ...attrs, shape: x.shape });
  if (ranges?.every(({ step, count }) => step === 1 || count === 1)) {
    const widths = ranges.map(
      ({ start, count }, axis) => `[${start}, ${(attrs.whole[axis] as number) - start - count}]`,
    );
    const options = attrs.value === 0 ? [] : [`{ value: ${attrs.value} }`];
    return calling(to, "pad", to.text(x), `[${widths.join(", ")}]`, ...options);
  }
  if (attrs.value !== 0) throw new Unwritten(node.op.name);
  const base = zerosText(to, [sizeOf(attrs.whole)], x.dtype);
  const flat = calling(to, "reshape", to.text(x), listText([x.size]));
  const placed = calling(
    to,
    "indexAdd",
    base,
    "0",
    placesText(to, { ...attrs, shape: x.shape }),
    flat,
  );
  return calling(to, "reshape", placed, listText(attrs.whole));
};
