import * as c from "../../../src/index.js";
import { type Programs, reduce } from "../program.js";

export const programs: Programs = {
  sum: reduce(c.sum),
  mean: reduce(c.mean),
  max: reduce(c.max),
  min: reduce(c.min),
  prod: reduce(c.prod),
  logsumexp: reduce(c.logSumExp),
  var: reduce((x, axes, keepdims) => c.variance(x, axes, { keepdims })),
  var_unbiased: reduce((x, axes, keepdims) => c.variance(x, axes, { ddof: 1, keepdims })),
  norm2: reduce((x, axes, keepdims) => c.norm(x, axes, { keepdims })),
  max_pick: ([x], { axis, keepdim = false }) => {
    const { values, indices } = c.maxWithIndices(x, axis, keepdim);
    return [values, indices];
  },
  argmax: ([x], { axis, keepdim = false }) => [c.argmax(x, axis ?? undefined, keepdim)],
  argmin: ([x], { axis, keepdim = false }) => [c.argmin(x, axis ?? undefined, keepdim)],
  cumsum: ([x], { axis }) => [c.cumsum(x, axis)],
};
