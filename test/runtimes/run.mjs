/**
 * Runs the suite in the runtimes that are named, or in all of them, and compares every answer with
 * that of the TypeScript build in this process. What is not installed is listed, and with CI=true
 * it is a failure.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { browsers } from "./browsers.mjs";
import { DIGITS } from "./expected.mjs";
import { isolates } from "./isolates.mjs";
import { servers } from "./servers.mjs";
import { STAGE, stage } from "./stage.mjs";
import { webkit } from "./webkit.mjs";

const runtimes = [...servers, ...isolates, ...browsers, webkit];
const MEGABYTE = 1e6;
/** What a hosted isolate of Cloudflare's may have. */
const ISOLATE = 128 * MEGABYTE;

const sha256 = (hex) => createHash("sha256").update(Buffer.from(hex, "hex")).digest("hex");

/** The words of an answer as floats. */
function floats(hex) {
  const { buffer, byteOffset, byteLength } = Buffer.from(hex, "hex");
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** Where sums may be rounded otherwise: every value nearly that of the strict build. */
function differences({ digits, ops }, reference) {
  const [got, expected] = [floats(ops), floats(reference.ops)];
  const far = got.findIndex((value, index) => {
    const other = expected[index];
    return !Object.is(value, other) && !(Math.abs(value - other) <= 1e-5 * (1 + Math.abs(other)));
  });
  return [
    [got.length === expected.length && far < 0, `value ${far} of the sample is ${got[far]}`],
    [digits.correct >= reference.digits.correct - 6, `${digits.correct} digits right`],
  ];
}

/** What is wrong with the answer of a run; empty when nothing is. */
function problems(answer, reference) {
  const { label, report, error, refusal, memoryLimit = Infinity, processBytes = 0 } = answer;
  if (refusal !== undefined)
    return answer.refused.test(refusal) ? [] : [`refused with: ${refusal}`];
  if (!report) return [error];
  const build = label.split(",")[0];
  const { digits, refused } = report;
  const wrong = [
    ...(report.variant === "relaxed"
      ? differences(report, reference)
      : [
          [sha256(digits.weights) === DIGITS, `digits ${sha256(digits.weights)}`],
          [digits.correct === reference.digits.correct, `${digits.correct} digits right`],
          [report.ops === reference.ops, "other bits in the sample of ops"],
          [report.wide.weights === reference.wide.weights, "other weights of the wide network"],
          [report.inspected === reference.inspected, `inspected: ${report.inspected}`],
        ]),
    [report.backend === (build === "pure" ? "ts" : "wasm"), `backend ${report.backend}`],
    [build === "relaxed" || report.variant !== "relaxed", "relaxed without being asked"],
    [report.wide.threads === (build === "threads" ? 2 : 1), `${report.wide.threads} threads`],
    [digits.callsPerStep === 1, `${digits.callsPerStep} calls per step`],
    [report.saved, "other weights after saving and loading"],
    [refused.unchanged, "weights changed by a refused step"],
    [
      String(refused.messages) === String(reference.refused.messages),
      `messages ${refused.messages.join("; ")}`,
    ],
    [report.memoryBytes < memoryLimit, `${report.memoryBytes} bytes of memory`],
    [processBytes < ISOLATE, `a process of ${processBytes} bytes`],
  ];
  return wrong.filter(([right]) => !right).map(([, problem]) => problem);
}

const megabytes = (bytes) => `${(bytes / MEGABYTE).toFixed(1)} MB`;

function line({ report, refusal, processBytes }) {
  if (refusal !== undefined) return "refused, with the remedy";
  const outside = processBytes ? [`whole process ${megabytes(processBytes)}`] : [];
  const seconds = `${(report.milliseconds / 1000).toFixed(1)} s`;
  return [
    ...(report.variant === "relaxed" ? ["relaxed SIMD"] : []),
    `${report.digits.correct} of 360`,
    megabytes(report.memoryBytes),
    ...outside,
    seconds,
  ].join(", ");
}

async function main(names) {
  const known = new Set(runtimes.map(({ name }) => name));
  const chosen = names.length === 0 ? [...known] : names;
  for (const name of chosen)
    if (!known.has(name)) throw new Error(`unknown runtime: got ${name}, expected ${[...known]}`);
  await stage();
  const { run } = await import(pathToFileURL(join(STAGE, "server/pure.mjs")).href);
  const reference = run();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const tell = (kind, text) => {
    counts[kind]++;
    console.log(`${{ passed: "✓", failed: "✗", skipped: "–" }[kind]} ${text}`);
  };
  for (const { name, find, run } of runtimes.filter(({ name }) => chosen.includes(name))) {
    const binary = find();
    if (binary === undefined) {
      tell(process.env.CI === "true" ? "failed" : "skipped", `${name}: not installed here`);
      continue;
    }
    try {
      for await (const answer of run(binary)) {
        const wrong = problems(answer, reference);
        if (wrong.length > 0) tell("failed", `${name}: ${answer.label}: ${wrong.join("; ")}`);
        else tell("passed", `${name}: ${answer.label}: ${line(answer)}`);
      }
    } catch (error) {
      tell("failed", `${name}: ${error.stack}`);
    }
  }
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
