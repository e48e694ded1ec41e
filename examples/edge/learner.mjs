/**
 * The model of one person: what they do next, from the last things that they did. All that it is,
 * weights, moments, random stream and memory, is a few kilobytes that go in and come out.
 */
import { compile, softmax, tensor, train } from "chainrule";
import { joinStates, loadSafetensors, saveSafetensors, splitStates } from "chainrule/io";
import * as nn from "chainrule/nn";
import { Adam } from "chainrule/optim";
import * as random from "chainrule/random";

export const CATEGORIES = ["news", "sport", "music", "film", "games", "food", "travel", "science"];

/** Events that a prediction looks back on. */
const CONTEXT = 3;
/** Events that are remembered, to be learned from again. */
const MEMORY = 64;
const BATCH = 16;

random.seed(1);
// A category is an integer ≥ 1 here, and 0 is no event yet.
const model = new nn.Sequential(
  new nn.Embedding(CATEGORIES.length + 1, 8),
  new nn.Flatten(),
  new nn.Linear(8 * CONTEXT, 32),
  new nn.ReLU(),
  new nn.Dropout(0.1),
  new nn.Linear(32, CATEGORIES.length),
);
const optimizer = new Adam(model.parameters(), { lr: 0.01 });

const step = compile(({ contexts, next }) => {
  const loss = nn.crossEntropy(model.forward(contexts), next);
  optimizer.minimize(loss);
  return loss;
});
const predict = compile((contexts) => softmax(model.forward(contexts)));

const save = (events) =>
  saveSafetensors(
    joinStates({
      model: model.stateDict(),
      optimizer: optimizer.stateDict(),
      random: random.stateDict(),
      memory: { events: { shape: [events.length], dtype: "I32", data: Int32Array.from(events) } },
    }),
  );

/** Everybody begins with these. The programs are made here too, before there is a request. */
step.trace({
  contexts: { shape: [BATCH, CONTEXT], dtype: "i32" },
  next: { shape: [BATCH], dtype: "i32" },
});
const fresh = save([]);

/** Puts a person's model in place of the one before, whole; returns their events. */
function load(bytes) {
  const saved = splitStates(loadSafetensors(bytes ?? fresh));
  model.loadStateDict(saved.model);
  optimizer.loadStateDict(saved.optimizer);
  random.loadStateDict(saved.random);
  const events = saved.memory?.events;
  const isKnown = (event) => event >= 1 && event <= CATEGORIES.length;
  if (events?.dtype !== "I32" || events.data.length > MEMORY || !events.data.every(isKnown))
    throw new RangeError(
      `events: not a memory: expected at most ${MEMORY} integers from 1 to ${CATEGORIES.length}`,
    );
  return Array.from(events.data);
}

/** The CONTEXT events before place i. */
const before = (events, i) =>
  Array.from({ length: CONTEXT }, (_, k) => events[i - CONTEXT + k] ?? 0);

/** Batches without end: the latest event, and others drawn from memory. */
function* lessons(events) {
  for (;;) {
    const draws = random.uniform([BATCH], { high: events.length }).toTypedArray();
    const places = Array.from(draws, (draw) => Math.min(Math.floor(draw), events.length - 1));
    places[0] = events.length - 1;
    yield {
      contexts: tensor(
        places.map((i) => before(events, i)),
        { dtype: "i32" },
      ),
      next: tensor(
        places.map((i) => events[i] - 1),
        { dtype: "i32" },
      ),
    };
  }
}

function answer(events) {
  model.eval();
  const contexts = tensor([before(events, events.length)], { dtype: "i32" });
  const probabilities = predict(contexts).toTypedArray();
  if (!probabilities.every(Number.isFinite))
    throw new RangeError("model: probabilities are not finite: expected weights that are");
  const next = CATEGORIES.map((category, i) => ({ category, probability: probabilities[i] }));
  return { events: events.length, next: next.sort((a, b) => b.probability - a.probability) };
}

/**
 * What comes next, likeliest first.
 *
 * @param {ArrayBuffer | null} bytes as `learn` returned them; null for somebody new
 */
export const look = (bytes) => answer(load(bytes));

/**
 * Learns that `category` came next, within `bounds` of time and steps, and says what comes after
 * it. Synchronous from end to end, so that one set of Parameters serves everybody.
 *
 * @param {ArrayBuffer | null} bytes as `learn` returned them; null for somebody new
 * @param {string} category one of CATEGORIES
 * @param {import("chainrule").SliceBounds} bounds
 */
export function learn(bytes, category, bounds) {
  const events = [...load(bytes), 1 + CATEGORIES.indexOf(category)].slice(-MEMORY);
  model.train();
  const { steps, losses } = train(step, lessons(events)).steps(bounds);
  const learned = { steps, loss: losses.at(-1).item() };
  return { bytes: save(events), answer: { ...answer(events), learned } };
}
