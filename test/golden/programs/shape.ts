import * as c from "../../../src/index.js";
import type { Programs } from "../program.js";

export const programs: Programs = {
  embedding: ([table, ids]) => [c.embedding(table, ids)],
  concat: (inputs, { axis = 0 }) => [c.concat(inputs, axis)],
  stack: (inputs, { axis = 0 }) => [c.stack(inputs, axis)],
  slice: ([x], { begin, end, step }) => [
    c.slice(
      x,
      begin.map((from: number, axis: number) => [from, end[axis], step?.[axis] ?? 1]),
    ),
  ],
  reshape: ([x], { shape }) => [c.reshape(x, shape)],
  transpose: ([x], { perm }) => [c.transpose(x, perm)],
  gather: ([x, indices], { axis }) => [c.gather(x, axis, indices)],
  index_select: ([x, indices], { axis }) => [c.indexSelect(x, axis, indices)],
  broadcast_to: ([x], { shape }) => [c.broadcastTo(x, shape)],
  flip: ([x], { axes, axis, dims }) => [c.flip(x, axes ?? axis ?? dims)],
  pad: ([x], { pads, value = 0, mode = "constant" }) => [c.pad(x, pads, { value, mode })],
  tile: ([x], { reps, repeats, dims }) => [c.tile(x, reps ?? repeats ?? dims)],
  roll: ([x], { shift, shifts, axis, dims }) => [
    [shift ?? shifts]
      .flat()
      .reduce(
        (y: c.Tensor, by: number, i: number) => c.roll(y, by, [axis ?? dims ?? 0].flat()[i]),
        x,
      ),
  ],
  split: ([x], { sizes, sections, axis = 0 }) => c.split(x, sizes ?? sections, axis),
  triu: ([x], { k, diagonal }) => [c.triu(x, k ?? diagonal ?? 0)],
  tril: ([x], { k, diagonal }) => [c.tril(x, k ?? diagonal ?? 0)],
  scatter_add: ([x, indices, source], { axis }) => [c.scatterAdd(x, axis, indices, source)],
  index_add: ([x, indices, source], { axis }) => [c.indexAdd(x, axis, indices, source)],
  one_hot: ([labels], { classes }) => [c.oneHot(labels, classes)],
  diagonal: ([x], { offset = 0, axis1 = 0, axis2 = 1 }) => [c.diagonal(x, offset, axis1, axis2)],
  sort: ([x], { axis = -1, descending = false }) => {
    const { values, indices } = c.sort(x, axis, { descending });
    return [values, indices];
  },
  topk: ([x], { k, axis = -1, largest = true }) => {
    const { values, indices } = c.topK(x, k, axis, { largest });
    return [values, indices];
  },
  "x*x+x": ([x]) => [x.mul(x).add(x)],
  "a*detach(a)": ([a]) => [a.mul(c.stopGradient(a))],
};
