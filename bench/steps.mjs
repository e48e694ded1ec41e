/**
 * Whole training steps through the public API, copies of the batch in and of the loss out included,
 * on batches that take turns.
 */
import { compile, createWasmBackend, init, wasm } from "chainrule";
import { ts } from "chainrule/pure";
import { seed } from "chainrule/random";
import { MODELS } from "./models.mjs";
import { hasFma } from "./peak.mjs";

const BATCHES = 8;

const builds = { wasm, ts, ...(hasFma ? { fma: createWasmBackend({ relaxedSimd: true }) } : {}) };

function makeTask(backend, model) {
  init({ backend });
  seed(1);
  const { loss, optimizer, batch } = model.make();
  const step = compile((x, y) => {
    const value = loss(x, y);
    optimizer.minimize(value);
    return value;
  });
  const batches = Array.from({ length: BATCHES }, (_, at) => batch(at));
  let turn = 0;
  const train = () => step(...batches[turn++ % BATCHES]);
  const first = train().item();
  if (!Number.isFinite(first))
    throw new Error(`bench: the loss is not a number: got ${first}, expected a finite one`);
  return { call: train, before: () => init({ backend }), callsPerStep: step.callsPerStep };
}

/** One case per model. */
export function stepCases() {
  return MODELS.map((model) => ({
    kind: "step",
    name: `step ${model.name}`,
    label: model.name,
    flops: model.flops,
    scarce: model.scarce ?? false,
    on: (backend) => makeTask(backend, model),
    make: () =>
      Object.fromEntries(
        Object.entries(builds).map(([build, backend]) => [build, makeTask(backend, model)]),
      ),
  }));
}
