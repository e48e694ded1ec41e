/**
 * A second derivative inside the loss: `node examples/oscillator.mjs [steps]`. A network u(t) is trained
 * to satisfy u″ + u = 0 with u(0) = 0 and u′(0) = 1 on [0, π]: it has never seen a sine, and becomes one.
 */
import { compile, derivative, sin, tensor } from "chainrule";
import * as nn from "chainrule/nn";
import { Adam, schedules } from "chainrule/optim";
import * as random from "chainrule/random";

const steps = Number(process.argv[2] ?? 1500);
random.seed(1);

const net = new nn.Sequential(
  new nn.Linear(1, 32),
  new nn.Tanh(),
  new nn.Linear(32, 32),
  new nn.Tanh(),
  new nn.Linear(32, 1),
);
const u = (t) => net.forward(t.expandDims(1)).squeeze(1);
const optimizer = new Adam(net.parameters(), { lr: 5e-3 });
const schedule = schedules.cosine(optimizer, { steps, minimum: 1e-5 });

const step = compile((t, zero) => {
  const equation = derivative(u, 2)(t).add(u(t)).square().mean();
  const start = u(zero).square().add(derivative(u, 1)(zero).sub(1).square()).sum();
  const loss = equation.add(start);
  optimizer.minimize(loss);
  return loss;
});

const zero = tensor([0]);
for (let k = 1; k <= steps; k++) {
  const loss = step(random.uniform([64], { low: 0, high: Math.PI }), zero).item();
  schedule.step();
  if (k % 500 === 0 || k === steps) console.log(`step ${k}: loss ${loss.toExponential(1)}`);
}
const t = tensor(Array.from({ length: 101 }, (_, i) => (i * Math.PI) / 100));
const error = u(t).sub(sin(t)).abs().max().item();
console.log(
  `${step.callsPerStep} call per step; largest distance from sin t: ${error.toExponential(1)}`,
);
console.log(error < 0.02 ? "a sine" : "not a sine");
