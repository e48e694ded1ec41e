/**
 * A Worker that knows everybody: each person has a small model of their own, which learns from each
 * of their events and says what comes next.
 *
 *     GET    /users/ann                            what comes next
 *     POST   /users/ann  { "category": "music" }   learns from an event, then the same
 *     DELETE /users/ann                            forgets
 *
 * Bindings: MODELS, a KV namespace; BUDGET_MS and MAX_STEPS, how much is learned from an event.
 */
import { CATEGORIES, learn, look } from "./learner.mjs";

/** Of a body; an event is shorter. */
const MAX_CHARACTERS = 1000;
/** So many characters are longer in no encoding: the rest of a longer body is not read. */
const MAX_BYTES = 4 * MAX_CHARACTERS;

/** What the caller can put right. */
class Refusal extends Error {
  constructor(status, message, headers = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

const quoted = (value) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
};

function userOf({ pathname }) {
  const [, name] = /^\/users\/([^/]*)$/.exec(pathname) ?? [];
  if (name === undefined)
    throw new Refusal(404, `path: nothing is here: got ${pathname}, expected /users/NAME`);
  if (!/^[\w-]{1,64}$/.test(name))
    throw new Refusal(
      400,
      `user: bad name: got ${quoted(name)}, expected 1 to 64 letters, digits, - or _`,
    );
  return name;
}

/** The text of a body, of which no more is read than could be right. */
async function textOf({ body }) {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    text += decoder.decode(chunk, { stream: true });
    if (bytes > MAX_BYTES)
      throw new Refusal(
        413,
        `event: too long: got more than ${MAX_BYTES} bytes, expected at most ${MAX_CHARACTERS} characters`,
      );
  }
  return text + decoder.decode();
}

async function categoryOf(request) {
  const text = await textOf(request);
  if (text.length > MAX_CHARACTERS)
    throw new Refusal(
      400,
      `event: too long: got ${text.length} characters, expected at most ${MAX_CHARACTERS}`,
    );
  let event;
  try {
    event = JSON.parse(text);
  } catch {
    throw new Refusal(
      400,
      `event: not JSON: got ${quoted(text)}, expected { "category": "${CATEGORIES[0]}" }`,
    );
  }
  const category = event?.category;
  if (!CATEGORIES.includes(category))
    throw new Refusal(
      400,
      `event: unknown category: got ${quoted(category)}, expected one of ${CATEGORIES.join(", ")}`,
    );
  return category;
}

/** The last request of each person who has one under way. */
const queues = new Map();

/**
 * One request after another for each person: two that read the same model would write two, and one
 * lesson would be lost. Between isolates KV knows no such order; a Durable Object for each person
 * does, with the same bytes.
 */
function inTurn(user, work) {
  const result = (queues.get(user) ?? Promise.resolve()).then(work);
  const settled = result
    .then(
      () => undefined,
      () => undefined,
    )
    .then(() => {
      if (queues.get(user) === settled) queues.delete(user);
    });
  queues.set(user, settled);
  return result;
}

async function respond(request, env, context) {
  const user = userOf(new URL(request.url));
  const { MODELS, BUDGET_MS = 5, MAX_STEPS = 20 } = env;
  const stored = () => MODELS.get(user, "arrayBuffer");
  const handlers = {
    GET: async () => Response.json({ user, ...look(await stored()) }),
    POST: async () => {
      const category = await categoryOf(request);
      const bounds = { budgetMs: Number(BUDGET_MS), maxSteps: Number(MAX_STEPS) };
      const turn = inTurn(user, async () => {
        const { bytes, answer } = learn(await stored(), category, bounds);
        await MODELS.put(user, bytes);
        return Response.json({ user, ...answer });
      });
      // The next request waits for this one, so it goes on though its caller has gone.
      context.waitUntil(turn.catch(() => undefined));
      return turn;
    },
    DELETE: () =>
      inTurn(user, async () => {
        // Hosted, nothing is lost by deleting nothing; a folder of workerd's refuses it.
        if ((await stored()) !== null) await MODELS.delete(user);
        return new Response(null, { status: 204 });
      }),
  };
  const handler = Object.hasOwn(handlers, request.method) ? handlers[request.method] : undefined;
  const allow = Object.keys(handlers).join(", ");
  if (handler === undefined)
    throw new Refusal(405, `method: got ${request.method}, expected ${allow}`, { allow });
  return handler();
}

export default {
  async fetch(request, env, context) {
    try {
      return await respond(request, env, context);
    } catch (error) {
      const { status = 500, headers = {} } = error instanceof Refusal ? error : {};
      return Response.json({ error: error.message }, { status, headers });
    }
  },
};
