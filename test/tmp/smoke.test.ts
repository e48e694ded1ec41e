import { describe, it, expect } from "vitest";
import { tensor, grad, compile, parameter, init, wasm, gradients, jvp } from "/work/main/src/index.ts";
import * as nn from "/work/main/src/nn/index.ts";
import { SGD, Adam } from "/work/main/src/optim/index.ts";
import { ts } from "/work/main/src/pure.ts";
import { seed } from "/work/main/src/random.ts";
import { readFileSync } from "node:fs";
it("grad", () => {
  const g = grad((x: any) => x.square().add(x.exp()).sum())(tensor([1, 2, 3]));
  console.log(g.toArray(), [2+Math.E, 4+Math.exp(2), 6+Math.exp(3)]);
  const gg = grad((x: any) => grad((y: any) => y.tanh().mul(y.sigmoid()).sum())(x).sum())(tensor([0.3, -1]));
  console.log(gg.toArray());
});
function train(backend: any) {
  init({ backend });
  seed(1);
  const raw = readFileSync("/work/main/examples/data/digits/train-images-idx3-ubyte").subarray(16);
  const labels = readFileSync("/work/main/examples/data/digits/train-labels-idx1-ubyte").subarray(8);
  const X = Float32Array.from(raw, (v) => v / 240), Y = Int32Array.from(labels);
  const model = new nn.Sequential(new nn.Linear(64, 100), new nn.BatchNorm1d(100), new nn.ReLU(), new nn.Linear(100, 50), new nn.BatchNorm1d(50), new nn.ReLU(), new nn.Linear(50, 10));
  const opt = new Adam(model.parameters(), { lr: 0.01 });
  const step = compile((x: any, y: any) => { const loss = nn.crossEntropy(model.forward(x), y); opt.minimize(loss); return loss; });
  let last = 0; const t = performance.now(); let n = 0;
  const tr = step.trace({shape:[64,64]},{shape:[64],dtype:"i32"});
  for (let e = 0; e < 5; e++) for (let i = 0; i + 64 <= 1437; i += 64) {
    const x = tensor(X.subarray(i * 64, i * 64 + 4096), { shape: [64, 64] }), y = tensor(Y.subarray(i, i + 64));
    if (n === 3) tr.program.poison();
    last = step(x, y).item();
    if (n === 3) console.log("peak", tr.plan.peakBytes, tr.program.bytesWritten());
    n++;
  }
  console.log(backend.name, last, step.plan.peakBytes, step.callsPerStep, (performance.now() - t) / n, "ms/step", step.plan.instructions.length, backend.memory.bytes);
  const sd = model.stateDict();
  return Buffer.concat(Object.values(sd).map((e: any) => Buffer.from(e.data.buffer, e.data.byteOffset, e.data.byteLength))).toString("hex");
}
it("train", () => {
  const a = train(wasm), b = train(ts);
  expect(a === b).toBe(true);
});
