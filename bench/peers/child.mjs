/**
 * One contender in a process of its own: `node child.mjs PEER OPTIONS`, where PEER names a file of
 * `peers/` and OPTIONS is JSON. Requests and answers are lines of JSON:
 *
 *     { do: "make", workload, entries, file, slow, checking }
 *         → { values, ms } the losses of the first steps, or entries of the result, and what the
 *           latest call took; or { cannot: "why" }. There are no more than three calls after
 *           `checking` ms, and no more than two when they take longer than `slow`
 *     { do: "run", ms, warm }  → { calls, samples } ms per call, for about `ms`, after `warm` calls
 *     { do: "drop" }           → {} forgets the workload
 *
 * A peer exports `load(options) → { about, make(workload, arrays) }`; `make` returns
 * `{ call(turn), values(), finish?() }`: `call` is what is timed, for training steps with the batch
 * whose turn it is, and gives the loss; `values` tells the entries of the latest result.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { unpackArrays } from "./workloads.mjs";

/** At most this many samples of a slice travel. */
const MOST = 400;

let task;
let turn = 0;

async function make({ workload, entries, file, slow, checking }, peer) {
  const bytes = readFileSync(file);
  const arrays = unpackArrays(entries, bytes.buffer.slice(bytes.byteOffset));
  turn = 0;
  task = await peer.make(workload, arrays);
  if (task.cannot) return { cannot: task.cannot };
  const losses = [];
  let spent = 0;
  let ms = 0;
  // Three steps are the fewest that show momentum; who is as slow as that makes two.
  while (turn < workload.checks && (turn < (ms > slow ? 2 : 3) || spent < checking)) {
    const before = performance.now();
    losses.push(await task.call(turn++));
    ms = performance.now() - before;
    // The first one compiles.
    if (turn > 1) spent += ms;
  }
  return { values: task.values ? await task.values() : losses, ms };
}

async function run({ ms, warm = 1 }) {
  const samples = [];
  for (let at = 0; at < warm; at++) await task.call(turn++);
  const end = performance.now() + ms;
  let before = performance.now();
  do {
    const result = task.call(turn++);
    if (result instanceof Promise) await result;
    const now = performance.now();
    samples.push(now - before);
    before = now;
  } while (before < end);
  const every = Math.ceil(samples.length / MOST);
  return { calls: samples.length, samples: samples.filter((_, at) => at % every === 0) };
}

async function main() {
  const [name, options] = process.argv.slice(2);
  const write = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  let peer;
  try {
    const { load } = await import(`./peers/${name}.mjs`);
    peer = await load(JSON.parse(options));
  } catch (error) {
    return write({ cannot: String(error.message ?? error).split("\n")[0] });
  }
  write(peer.cannot ? { cannot: peer.cannot } : { about: peer.about });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    try {
      if (request.do === "make") write(await make(request, peer));
      else if (request.do === "run") write(await run(request));
      else if (request.do === "drop") {
        await task?.finish?.();
        task = undefined;
        globalThis.gc?.();
        write({});
      }
    } catch (error) {
      write({ cannot: String(error.message ?? error).split("\n")[0] });
    }
  }
}

// What a library prints would break the protocol.
console.log = console.info = console.warn = console.error;
await main();
process.exit(0);
