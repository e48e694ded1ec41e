/** Finding and running the tools that the runs need. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./stage.mjs";

const PATIENCE = 120_000;

/** The path of a file of an npm package in .tools; undefined where it is not installed. */
export function inTools(path) {
  const file = join(ROOT, ".tools/runtimes/node_modules", path);
  return existsSync(file) ? file : undefined;
}

/** The path of a command; undefined where there is none. */
export function onPath(...commands) {
  const folders = (process.env.PATH ?? "").split(":");
  return commands
    .flatMap((command) => folders.map((folder) => join(folder, command)))
    .find((path) => existsSync(path));
}

const lastLine = ({ stdout }) => JSON.parse(stdout.trim().split("\n").at(-1));

/** The last line of what a command prints, which is the report. */
export async function reportOf(command, args, options = {}) {
  const limits = { timeout: PATIENCE, maxBuffer: 2 ** 26 };
  return lastLine(await promisify(execFile)(command, args, { ...limits, ...options }));
}

const POLL = 10;

/** The most bytes of memory that a process has had, by Linux; undefined when it has ended. */
function peakBytes(pid) {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return 1024 * Number(kibibytes);
  } catch {
    return undefined;
  }
}

/** The report of a command, and how large its process was as seen from outside. */
export async function measured(command, args, options = {}) {
  let processBytes = 0;
  const running = promisify(execFile)(command, args, {
    timeout: PATIENCE,
    maxBuffer: 2 ** 26,
    ...options,
  });
  const timer = setInterval(() => {
    processBytes = peakBytes(running.child.pid) ?? processBytes;
  }, POLL);
  try {
    return { report: lastLine(await running), processBytes };
  } finally {
    clearInterval(timer);
  }
}

/** Calls until there is an answer, at most for the time that any run has. */
export async function answerOf(ask, pause = 100) {
  const end = Date.now() + PATIENCE;
  while (Date.now() < end) {
    const answer = await ask();
    if (answer !== undefined && answer !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  throw new Error(`no answer within ${PATIENCE / 1000} s`);
}
