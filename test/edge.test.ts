/** examples/edge by HTTP, under the real workerd; without it, `npm run tools` first. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  joinStates,
  loadSafetensors,
  type StateDict,
  saveSafetensors,
  splitStates,
} from "../src/io/index.js";

const root = new URL("../", import.meta.url);
const installed = existsSync(new URL(".tools/runtimes/node_modules/workerd", root));

interface Server {
  readonly url: string;
  stop(): Promise<unknown>;
}
interface Prediction {
  readonly user: string;
  readonly events: number;
  readonly next: readonly { readonly category: string; readonly probability: number }[];
  readonly learned?: { readonly steps: number; readonly loss: number };
}
interface Learner {
  readonly CATEGORIES: readonly string[];
  learn(
    bytes: Uint8Array | null,
    category: string,
    bounds: object,
  ): { readonly bytes: Uint8Array; readonly answer: Omit<Prediction, "user"> };
}

/** Time without end: the number of steps is the same on every machine. */
const STEPS = 20;
const bounds = { budgetMs: 1e9, maxSteps: STEPS };
const folder = mkdtempSync(join(tmpdir(), "chainrule-edge-"));
const start = async (options: object = bounds): Promise<Server> => {
  const { serve } = await import(new URL("examples/edge/workerd.mjs", root).href);
  return serve({ folder, ...options });
};
let server: Server;

const call = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(server.url + path, init);
const post = (user: string, body: string): Promise<Response> =>
  call(`/users/${user}`, { method: "POST", body });
const look = async (user: string): Promise<Prediction> =>
  (await (await call(`/users/${user}`)).json()) as Prediction;
async function event(user: string, category: string): Promise<Prediction> {
  const response = await post(user, JSON.stringify({ category }));
  expect(response.status).toBe(200);
  return (await response.json()) as Prediction;
}
async function events(user: string, categories: readonly string[]): Promise<Prediction[]> {
  const answers: Prediction[] = [];
  for (const category of categories) answers.push(await event(user, category));
  return answers;
}
const stored = (user: string): Buffer => readFileSync(join(folder, "models", user));
/** An answer about somebody else. */
const as = (user: string, answers: readonly Prediction[]): Prediction[] =>
  answers.map((answer) => ({ ...answer, user }));

const cycle = (count: number, ...categories: string[]): string[] =>
  Array.from({ length: count }, (_, i) => categories[i % categories.length] as string);

test.each([
  ["--port x", "bad --port: got x, expected an integer from 0 to 65535"],
  ["--port 65536", "bad --port: got 65536, expected an integer from 0 to 65535"],
  ["--ports 1", "Unknown option '--ports'"],
])("the command refuses %s", (args, message) => {
  const file = fileURLToPath(new URL("examples/edge/serve.mjs", root));
  const { status, stderr } = spawnSync(process.execPath, [file, ...args.split(" ")], {
    encoding: "utf8",
  });
  expect([status, stderr.trim()]).toEqual([1, expect.stringContaining(`edge: ${message}`)]);
});

describe.skipIf(!installed && process.env.CI !== "true")("examples/edge", () => {
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  test("predictions get better with every event", async () => {
    const habit = cycle(36, "news", "music", "news", "food");
    const answers = await events("ann", habit);
    /** What was expected of the event that came next. */
    const chances = answers
      .slice(0, -1)
      .map(({ next }, i) => next.find(({ category }) => category === habit[i + 1])?.probability);
    const right = answers.slice(0, -1).map(({ next }, i) => next[0]?.category === habit[i + 1]);
    const mean = (values: readonly (number | undefined)[]): number =>
      values.reduce<number>((sum, value) => sum + (value ?? 0), 0) / values.length;
    expect(mean(chances.slice(0, 4))).toBeLessThan(0.4);
    expect(mean(chances.slice(-16))).toBeGreaterThan(0.9);
    expect(right.slice(-16)).toEqual(Array(16).fill(true));
    const { events: count, learned, next } = answers.at(-1) as Prediction;
    expect([count, learned?.steps, next.length]).toEqual([36, STEPS, 8]);
    expect(learned?.loss).toBeLessThan(0.2);
    expect(next.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
    expect(stored("ann").length).toBeLessThan(20_000);
  });

  test("the same bits as in Node", async () => {
    const habit = cycle(9, "sport", "film");
    const answers = await events("bob", habit);
    const url = new URL("examples/edge/learner.mjs", root).href;
    const { learn } = (await import(url)) as Learner;
    let bytes: Uint8Array | null = null;
    for (const [i, category] of habit.entries()) {
      const learned = learn(bytes, category, bounds);
      bytes = learned.bytes;
      expect({ user: "bob", ...learned.answer }).toEqual(answers[i]);
    }
    expect(stored("bob").equals(bytes as Uint8Array)).toBe(true);
  });

  test("a restart goes on where it was", async () => {
    const habit = cycle(16, "games", "games", "science");
    const before = await events("carl", habit.slice(0, 7));
    const known = await look("carl");
    await server.stop();
    server = await start();
    expect(await look("carl")).toEqual(known);
    const after = await events("carl", habit.slice(7));
    expect(as("carl", await events("dora", habit))).toEqual([...before, ...after]);
    expect(stored("dora").equals(stored("carl"))).toBe(true);
  });

  test("people do not mix, not even at the same time", async () => {
    const habits = { eve: cycle(8, "news", "food"), finn: cycle(8, "travel", "film", "film") };
    const [eve, finn] = await Promise.all([events("eve", habits.eve), events("finn", habits.finn)]);
    expect(as("eve", await events("eve-alone", habits.eve))).toEqual(eve);
    expect(as("finn", await events("finn-alone", habits.finn))).toEqual(finn);
    expect(await look("gina")).toMatchObject({ user: "gina", events: 0 });
    expect((await look("eve")).events).toBe(8);
  });

  test("requests at the same time lose no event", async () => {
    const answers = await Promise.all(cycle(30, "music").map((each) => event("hugo", each)));
    expect(answers.map(({ events: count }) => count).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
    const crowd = Array.from({ length: 20 }, (_, i) => `crowd-${i}`);
    await Promise.all(crowd.map((user) => event(user, "sport")));
    for (const user of crowd) expect(stored(user).equals(stored(crowd[0] as string))).toBe(true);
  });

  test("a refused event between others changes nothing and holds nobody up", async () => {
    const [, refused, second] = await Promise.all([
      event("ida", "food"),
      post("ida", "{}"),
      event("ida", "food"),
    ]);
    expect([refused.status, second.events]).toEqual([400, 2]);
    const before = stored("ida");
    expect((await post("ida", '{ "category": "sleep" }')).status).toBe(400);
    expect(stored("ida").equals(before)).toBe(true);
  });

  test("memory has an end", async () => {
    const answers = await events("jo", cycle(66, "news"));
    expect(answers.slice(-4).map(({ events: count }) => count)).toEqual([63, 64, 64, 64]);
  });

  test("what is forgotten is new", async () => {
    await event("kim", "travel");
    expect((await call("/users/kim", { method: "DELETE" })).status).toBe(204);
    expect((await call("/users/kim", { method: "DELETE" })).status).toBe(204);
    expect(as("gina", [await look("kim")])).toEqual([await look("gina")]);
  });

  const known = "news, sport, music, film, games, food, travel, science";
  test.each<[string, string, RequestInit, number, string]>([
    [
      "no event",
      "ann",
      { body: "" },
      400,
      'event: not JSON: got "", expected { "category": "news" }',
    ],
    [
      "no JSON",
      "ann",
      { body: "category=music and much else that nobody wants to read" },
      400,
      'event: not JSON: got "category=music and much else that nobod…, expected { "category": "news" }',
    ],
    [
      "another category",
      "ann",
      { body: '{ "category": "naps" }' },
      400,
      `event: unknown category: got "naps", expected one of ${known}`,
    ],
    [
      "no category",
      "ann",
      { body: "null" },
      400,
      `event: unknown category: got undefined, expected one of ${known}`,
    ],
    [
      "two categories",
      "ann",
      { body: '{ "category": ["news", "food"] }' },
      400,
      `event: unknown category: got ["news","food"], expected one of ${known}`,
    ],
    [
      "too much",
      "ann",
      { body: " ".repeat(1001) },
      400,
      "event: too long: got 1001 characters, expected at most 1000",
    ],
    [
      "a bad name",
      "a%20b",
      { body: "{}" },
      400,
      'user: bad name: got "a%20b", expected 1 to 64 letters, digits, - or _',
    ],
    [
      "no name",
      "",
      { body: "{}" },
      400,
      'user: bad name: got "", expected 1 to 64 letters, digits, - or _',
    ],
    [
      "a path beyond",
      "ann/x",
      { body: "{}" },
      404,
      "path: nothing is here: got /users/ann/x, expected /users/NAME",
    ],
    [
      "another method",
      "ann",
      { method: "PUT", body: "{}" },
      405,
      "method: got PUT, expected GET, POST, DELETE",
    ],
  ])("%s is refused", async (_, user, init, status, error) => {
    const response = await call(`/users/${user}`, { method: "POST", ...init });
    expect([response.status, await response.json()]).toEqual([status, { error }]);
  });

  test("far too much is refused before it has come", async () => {
    // 8,000 of 20,000,000 bytes: who waits for the others waits for ever.
    const headers = { "content-length": 20_000_000 };
    const sent = request(`${server.url}/users/ann`, { method: "POST", headers });
    sent.write(" ".repeat(8000));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    expect([response.statusCode, await json(response)]).toEqual([
      413,
      { error: "event: too long: got more than 4000 bytes, expected at most 1000 characters" },
    ]);
    sent.destroy();
  });

  test("a damaged model is an error, not a new one", async () => {
    await event("max", "news");
    /** A model that is whole but for one part of it. */
    const changed = (
      change: (parts: Record<string, StateDict | undefined>) => void,
    ): Uint8Array => {
      const parts = splitStates(loadSafetensors(stored("max")));
      change(parts);
      return saveSafetensors(joinStates(parts));
    };
    const events = (...given: number[]): StateDict => ({
      events: { shape: [given.length], dtype: "I32", data: Int32Array.from(given) },
    });
    const cases: [string | Uint8Array, RegExp][] = [
      ["no safetensors", /^loadSafetensors: /],
      ["", /^loadSafetensors: file is too short: got 0 bytes/],
      [changed((parts) => delete parts.model), /^loadStateDict: no state: got undefined/],
      [changed((parts) => delete parts.random), /^loadStateDict: no state: got undefined/],
      [changed((parts) => delete parts.memory), /^events: not a memory: /],
      [
        changed((parts) => Object.assign(parts, { memory: events(1, 9) })),
        /^events: not a memory: /,
      ],
      [
        changed((parts) => Object.assign(parts, { model: { w: events(1).events } })),
        /^loadStateDict: keys differ: missing \[/,
      ],
      [
        changed(({ model }) => model?.["0.weight"]?.data.fill(Number.NaN as never)),
        /^model: probabilities are not finite: /,
      ],
    ];
    for (const [bytes, error] of cases) {
      writeFileSync(join(folder, "models", "lou"), bytes);
      const before = stored("lou");
      for (const response of [await call("/users/lou"), await post("lou", '{"category":"news"}')]) {
        expect(response.status).toBe(500);
        expect(await response.json()).toEqual({ error: expect.stringMatching(error) });
      }
      expect(stored("lou").equals(before)).toBe(true);
    }
    expect((await event("max", "news")).events).toBe(2);
  });

  test("the smaller bound ends learning", async () => {
    const other = await start({ folder: join(folder, "hurried"), budgetMs: 1e-6, maxSteps: 7 });
    const body = '{ "category": "news" }';
    const response = await fetch(`${other.url}/users/ann`, { method: "POST", body });
    expect(await response.json()).toMatchObject({ learned: { steps: 1 } });
    await other.stop();
  });
});
