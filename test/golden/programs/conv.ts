import {
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  fold,
  globalAvgPool,
  globalMaxPool,
  maxPool1d,
  maxPool2d,
  maxPool2dWithIndices,
  type Tensor,
  unfold,
  upsampleNearest,
} from "../../../src/index.js";
import type { Program, Programs } from "../program.js";

type Attrs = Parameters<Program>[1];

const given = <T extends object>(options: T): T =>
  Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value !== null),
  ) as T;

const kernel = ({ kernel: k, kernel_size: size }: Attrs) => k ?? size;

/** Along one axis an option may come as a list of one. */
const single = (value: unknown) => (Array.isArray(value) ? value[0] : value);
const singles = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [name, single(value)])) as T;

const conv = ({ stride, padding, dilation, groups }: Attrs) =>
  given({ stride, padding, dilation, groups });
const transposed = ({ output_padding, outputPadding, ...attrs }: Attrs) =>
  given({
    stride: attrs.stride,
    padding: attrs.padding,
    dilation: attrs.dilation,
    groups: attrs.groups,
    outputPadding: output_padding ?? outputPadding,
  });
const window = ({ stride, padding, dilation }: Attrs) => given({ stride, padding, dilation });
const maxWindow = (attrs: Attrs) => given({ ...window(attrs), ceilMode: attrs.ceil_mode });
const avgWindow = ({ stride, padding, ...attrs }: Attrs) =>
  given({
    stride,
    padding,
    ceilMode: attrs.ceil_mode,
    countIncludePad: attrs.count_include_pad,
    divisorOverride: attrs.divisor_override,
  });
const upsample: Program = ([x], { scale, scale_factor, factor, size }) => {
  const times = scale ?? scale_factor ?? factor;
  return [upsampleNearest(x, times ?? { size })];
};
const pooled = (x: Tensor, attrs: Attrs): Tensor[] => {
  if (!attrs.return_indices) return [maxPool2d(x, kernel(attrs), maxWindow(attrs))];
  const { values, indices } = maxPool2dWithIndices(x, kernel(attrs), maxWindow(attrs));
  return [values, indices];
};

export const programs: Programs = {
  conv2d: ([x, w, b], attrs) => [conv2d(x, w, b, conv(attrs))],
  conv1d: ([x, w, b], attrs) => [conv1d(x, w, b, singles(conv(attrs)))],
  conv_transpose2d: ([x, w, b], attrs) => [convTranspose2d(x, w, b, transposed(attrs))],
  conv_transpose1d: ([x, w, b], attrs) => [convTranspose1d(x, w, b, singles(transposed(attrs)))],
  depthwise_conv2d: ([x, w, b], attrs) => [
    conv2d(x, w, b, { ...conv(attrs), groups: x.shape[1] as number }),
  ],
  max_pool2d: ([x], attrs) => pooled(x, attrs),
  max_pool1d: ([x], attrs) => [maxPool1d(x, single(kernel(attrs)), singles(maxWindow(attrs)))],
  avg_pool2d: ([x], attrs) => [avgPool2d(x, kernel(attrs), avgWindow(attrs))],
  avg_pool1d: ([x], attrs) => [avgPool1d(x, single(kernel(attrs)), singles(avgWindow(attrs)))],
  global_avg_pool: ([x]) => [globalAvgPool(x)],
  global_max_pool: ([x]) => [globalMaxPool(x)],
  adaptive_avg_pool2d: ([x], attrs) => [adaptiveAvgPool2d(x, attrs.output_size ?? attrs.size ?? 1)],
  unfold: ([x], attrs) => [unfold(x, kernel(attrs), window(attrs))],
  fold: ([x], attrs) => [fold(x, attrs.output_size ?? attrs.size, kernel(attrs), window(attrs))],
  upsample_nearest: upsample,
};
