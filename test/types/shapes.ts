/**
 * Shapes in types, asserted by type-checking this file (`npm run typecheck`, and types.test.ts, which
 * counts what it costs). Nothing here runs.
 */
import { expectTypeOf } from "vitest";
import type { Shape, Tensor } from "../../src/index.js";
import * as c from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { normal } from "../../src/random.js";

type Of<S extends Shape> = Tensor<S>;
declare const n: number;
declare const rows: number[][];
declare const list: number[];
declare const any: Tensor;
declare const flag: boolean;

// Creation
const m22 = c.tensor([
  [1, 2],
  [3, 4],
]);
const m34 = c.zeros([3, 4]);
const m45 = c.ones([4, 5]);
const row4 = c.full([4], 0.5);
const images = normal([32, 3, 28, 28]);
const batch = c.zeros([n, 784]);
expectTypeOf(m22).toEqualTypeOf<Of<readonly [2, 2]>>();
expectTypeOf(c.tensor(5)).toEqualTypeOf<Of<readonly []>>();
expectTypeOf(c.tensor(true)).toEqualTypeOf<Of<readonly []>>();
expectTypeOf(c.tensor([[[1], [2]]])).toEqualTypeOf<Of<readonly [1, 2, 1]>>();
expectTypeOf(c.tensor([])).toEqualTypeOf<Of<readonly [0]>>();
expectTypeOf(c.tensor([0, 1], { dtype: "i32" })).toEqualTypeOf<Of<readonly [2]>>();
expectTypeOf(c.tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3] })).toEqualTypeOf<Of<readonly [2, 3]>>();
expectTypeOf(c.tensor(new Float32Array(6))).toEqualTypeOf<Of<readonly [number]>>();
expectTypeOf(c.tensor(rows)).toEqualTypeOf<Of<readonly [number, number]>>();
expectTypeOf(c.tensor(n as c.NestedNumbers)).toExtend<Tensor>();
expectTypeOf(c.eye(3)).toEqualTypeOf<Of<readonly [3, 3]>>();
expectTypeOf(batch).toEqualTypeOf<Of<readonly [number, 784]>>();
expectTypeOf(c.parameter(m34)).toEqualTypeOf<c.Parameter<readonly [3, 4]>>();
expectTypeOf(c.parameter([1, 2], { name: "w" })).toEqualTypeOf<c.Parameter<readonly [2]>>();

// Products
expectTypeOf(m34.matmul(m45)).toEqualTypeOf<Of<readonly [3, 5]>>();
expectTypeOf(c.matmul(row4, m45)).toEqualTypeOf<Of<readonly [5]>>();
expectTypeOf(c.matmul(m34, row4)).toEqualTypeOf<Of<readonly [3]>>();
expectTypeOf(c.matmul(row4, row4)).toEqualTypeOf<Of<readonly []>>();
expectTypeOf(c.zeros([7, 1, 3, 4]).matmul(c.zeros([6, 4, 5]))).toEqualTypeOf<
  Of<readonly [7, 6, 3, 5]>
>();
expectTypeOf(batch.matmul(c.zeros([784, 10]))).toEqualTypeOf<Of<readonly [number, 10]>>();
expectTypeOf(m34.matmul(any)).toEqualTypeOf<Tensor>();
expectTypeOf(m34.matmul(c.parameter(m45))).toEqualTypeOf<Of<readonly [3, 5]>>();
// @ts-expect-error 4 ≠ 5
m34.matmul(c.zeros([5, 6]));
// @ts-expect-error 784 ≠ 10, whatever n is
batch.matmul(c.zeros([10, 784]));
// @ts-expect-error a Parameter is a tensor
m34.matmul(c.parameter(m34));

// Broadcasting
expectTypeOf(m34.add(row4)).toEqualTypeOf<Of<readonly [3, 4]>>();
expectTypeOf(c.zeros([3, 1]).mul(row4)).toEqualTypeOf<Of<readonly [3, 4]>>();
expectTypeOf(m34.mul(2)).toEqualTypeOf<Of<readonly [3, 4]>>();
expectTypeOf(c.sub(1, m34)).toEqualTypeOf<Of<readonly [3, 4]>>();
expectTypeOf(m34.add(c.zeros([n, 4]))).toEqualTypeOf<Of<readonly [3, 4]>>();
expectTypeOf(m34.lt(any)).toEqualTypeOf<Tensor>();
expectTypeOf(c.where(m34.gt(0), row4, 0)).toEqualTypeOf<Of<readonly [3, 4]>>();
expectTypeOf((flag ? c.add : c.mul)(m34, row4)).toEqualTypeOf<Of<readonly [3, 4]>>();
expectTypeOf(m34[flag ? "add" : "mul"](row4)).toEqualTypeOf<Of<readonly [3, 4]>>();
expectTypeOf((flag ? c.relu : c.gelu)(m34)).toEqualTypeOf<Of<readonly [3, 4]>>();
// @ts-expect-error 4 ≠ 3
m34.add(c.zeros([3]));
// @ts-expect-error 3 ≠ 2
c.mul(m34, c.zeros([2, 4]));

// One operand
expectTypeOf(m34.relu().exp().clamp(0, 1).softmax(0).cumsum(1)).toEqualTypeOf<
  Of<readonly [3, 4]>
>();
expectTypeOf(c.neg(c.square(m34))).toEqualTypeOf<Of<readonly [3, 4]>>();

// The same elements in another shape
expectTypeOf(m34.reshape([2, 6])).toEqualTypeOf<Of<readonly [2, 6]>>();
expectTypeOf(m34.reshape([-1])).toEqualTypeOf<Of<readonly [12]>>();
expectTypeOf(images.reshape([32, -1])).toEqualTypeOf<Of<readonly [32, 2352]>>();
expectTypeOf(images.reshape([-1, 784])).toEqualTypeOf<Of<readonly [96, 784]>>();
expectTypeOf(batch.reshape([-1, 28, 28])).toEqualTypeOf<Of<readonly [number, 28, 28]>>();
expectTypeOf(m34.reshape([n, 4])).toEqualTypeOf<Of<readonly [number, 4]>>();
expectTypeOf(m34.reshape(list)).toExtend<Tensor>();
expectTypeOf(c.zeros([0, 3]).reshape([3, 0])).toEqualTypeOf<Of<readonly [3, 0]>>();
expectTypeOf(c.zeros([60000, 28, 28]).reshape([60000, 784])).toEqualTypeOf<
  Of<readonly [60000, 784]>
>();
expectTypeOf(m34.transpose()).toEqualTypeOf<Of<readonly [4, 3]>>();
expectTypeOf(images.transpose([0, 2, 3, -3])).toEqualTypeOf<Of<readonly [32, 28, 28, 3]>>();
expectTypeOf(c.permute(m34, [1, 0])).toEqualTypeOf<Of<readonly [4, 3]>>();
expectTypeOf(m34.transpose(list)).toEqualTypeOf<Tensor>();
expectTypeOf(row4.broadcastTo([3, 4])).toEqualTypeOf<Of<readonly [3, 4]>>();
// @ts-expect-error 12 ≠ 10
m34.reshape([2, 5]);
// @ts-expect-error 5 does not divide 12
c.reshape(m34, [-1, 5]);

// Reductions
expectTypeOf(m34.sum()).toEqualTypeOf<Of<readonly []>>();
expectTypeOf(m34.sum(0)).toEqualTypeOf<Of<readonly [4]>>();
expectTypeOf(c.mean(m34, -1)).toEqualTypeOf<Of<readonly [3]>>();
expectTypeOf(images.max([0, -1, -2])).toEqualTypeOf<Of<readonly [3]>>();
expectTypeOf(m34.sum(0, true)).toEqualTypeOf<Of<readonly [1, 4]>>();
expectTypeOf(m34.sum(null, true)).toEqualTypeOf<Of<readonly [1, 1]>>();
expectTypeOf(m34.sum([])).toEqualTypeOf<Of<readonly [3, 4]>>();
expectTypeOf(m34.sum(n)).toEqualTypeOf<Tensor>();
expectTypeOf(m34.sum(list)).toEqualTypeOf<Tensor>();
expectTypeOf(m34.sum(0, flag)).toEqualTypeOf<Tensor>();
expectTypeOf(any.sum(3)).toEqualTypeOf<Tensor>();
// @ts-expect-error there is no axis 2
m34.sum(2);

// One after the other
expectTypeOf(c.concat([m34, c.zeros([5, 4])])).toEqualTypeOf<Of<readonly [8, 4]>>();
expectTypeOf(c.concat([m34, c.zeros([3, 96]), m34], -1)).toEqualTypeOf<Of<readonly [3, 104]>>();
expectTypeOf(c.concat([m34, c.zeros([n, 4])])).toEqualTypeOf<Of<readonly [number, 4]>>();
expectTypeOf(c.concat([m34, any])).toEqualTypeOf<Tensor>();
expectTypeOf(c.concat([m34, m34] as Tensor[])).toEqualTypeOf<Tensor>();
// @ts-expect-error 4 ≠ 5
c.concat([m34, m45]);

// Layers
const model = new nn.Sequential(
  new nn.Linear(784, 128),
  new nn.LayerNorm([128]),
  new nn.ReLU(),
  new nn.Dropout(0.1),
  new nn.Sequential(new nn.Linear(128, 64), new nn.GELU()),
  new nn.Linear(64, 10),
);
expectTypeOf(new nn.Linear(784, 128).weight).toEqualTypeOf<c.Parameter<readonly [128, 784]>>();
expectTypeOf(new nn.Linear(784, 128).forward(batch)).toEqualTypeOf<Of<readonly [number, 128]>>();
expectTypeOf(new nn.Linear(4, n).forward(m34)).toEqualTypeOf<Of<readonly [3, number]>>();
expectTypeOf(model.forward(batch)).toEqualTypeOf<Of<readonly [number, 10]>>();
expectTypeOf(model.forward(any)).toEqualTypeOf<Tensor>();
expectTypeOf(
  new nn.Sequential(new nn.Conv2d(3, 8, 3), new nn.Flatten()).forward(images),
).toEqualTypeOf<Tensor>();
// @ts-expect-error 4 ≠ 784
new nn.Linear(784, 10).forward(m34);
// @ts-expect-error 28 ≠ 784
model.forward(images);
// @ts-expect-error 128 ≠ 64, in the second layer
new nn.Sequential(new nn.Linear(784, 128), new nn.Linear(64, 10)).forward(batch);

// What opts out may be assigned, and given, both ways
let weights = c.zeros([3, 4]);
weights = any;
weights = weights.sub(any);
weights = c.zeros([n, 4]);
weights = c.zeros(list);
weights = c.grad((x: Tensor) => x.square().sum())(weights);
let column = c.zeros([3, n]);
column = c.zeros([n, 4]);
const takes = (x: Tensor<readonly [number, 4]>): Tensor => x;
takes(any);
takes(m34);
takes(c.zeros([3, n]));
// @ts-expect-error 5 ≠ 4
takes(m45);
// @ts-expect-error another rank
weights = c.zeros([3, 4, 1]);
const layers: nn.Linear[] = [new nn.Linear(2, 8), new nn.Linear(8, 2)];
const modules: nn.Layer[] = [...layers, model, new nn.ReLU()];
let chain = new nn.Sequential(new nn.Linear(2, 8));
chain = new nn.Sequential(...modules);
const either = flag ? m34 : any;
expectTypeOf(either).toEqualTypeOf<Tensor>();
const shapes = flag ? c.zeros([2, 4]) : c.zeros([2, 5]);
shapes.relu().add(shapes).matmul(m45);
// @ts-expect-error 3 is neither 4 nor 5
shapes.matmul(m34);
declare const axis: 0 | 1;
declare const two: Tensor<readonly [3, 4]> | Tensor<readonly [3, 5]> | Tensor<readonly [6]>;
expectTypeOf(m34.sum(axis)).toEqualTypeOf<Of<readonly [3] | readonly [4]>>();
expectTypeOf(m34.sum([axis])).toEqualTypeOf<Tensor>();
expectTypeOf(c.concat([m34, m34], axis)).toEqualTypeOf<Tensor>();
expectTypeOf(m34.transpose(flag ? [0, 1] : [1, 0]).matmul(m34)).toExtend<Tensor>();
two.sum(1);
two.reshape([-1, 5]);
two.reshape(flag ? [4, 3] : [7]);
c.concat([two, m34]);
c.concat([m34, two]);
new nn.Linear(5, 2).forward(two);
c.tensor(n as number | number[]).sum(0);
c.tensor(any as unknown as c.NestedNumbers).matmul(m34);
// @ts-expect-error none has an axis 2
two.sum(2);
// @ts-expect-error none has 7 elements
two.reshape([7]);

// Functions that are generic over lengths
function attention<N extends number, D extends number>(
  q: Tensor<readonly [N, D]>,
  k: Tensor<readonly [N, D]>,
) {
  return q.matmul(k.transpose());
}
expectTypeOf(attention(m34, c.zeros([3, 4]))).toEqualTypeOf<Of<readonly [3, 3]>>();
const same = <X extends Tensor>(x: X) => x.relu().mul(2).exp();
expectTypeOf(same(m34)).toEqualTypeOf<Of<readonly [3, 4]>>();

const product = <X extends Tensor>(x: X) => (x as Tensor).matmul(m45);
expectTypeOf(product(m34)).toEqualTypeOf<Tensor>();

// Transforms and compiled functions take and give tensors of any shape
const step = c.compile((x: Tensor, y: Tensor) => x.matmul(y).sum());
step(m34, m45);
const list34 = [m34, m34].map(c.relu).reduce(c.add);

export { chain, column, list34 };
