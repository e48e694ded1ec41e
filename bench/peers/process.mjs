/** A contender's process, from the outside: it answers one request at a time, a line each way. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How long an answer may take, in ms; whoever takes longer is ended. */
const PATIENCE = 180_000;

/**
 * @param {{ command: string, args: readonly string[], env?: Record<string, string> }} how
 * @returns {Promise<{ about?: object, cannot?: string,
 *   ask(request: object): Promise<any>, end(): void }>}
 *   `ask` answers { cannot } when the process has ended.
 */
export async function start({ command, args, env = {} }) {
  const child = spawn(command, args, {
    ...{ env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] },
  });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors = (errors + text).slice(-2000);
  });
  child.stdin.on("error", () => {});
  let waiting;
  let ended;
  const finish = (why) => {
    ended ??= why;
    waiting?.({ cannot: ended });
    waiting = undefined;
  };
  child.on("error", (error) => finish(error.message));
  child.on("close", (code, signal) => {
    const said = errors.trim().split("\n").at(-1);
    finish(`its process ended with ${signal ?? code}${said ? `: ${said}` : ""}`);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const settle = waiting;
    waiting = undefined;
    settle?.(JSON.parse(line));
  });
  const answer = () =>
    new Promise((resolve) => {
      if (ended) return resolve({ cannot: ended });
      const late = setTimeout(() => {
        finish(`no answer within ${PATIENCE / 1000} s`);
        child.kill("SIGKILL");
      }, PATIENCE);
      waiting = (said) => {
        clearTimeout(late);
        resolve(said);
      };
    });
  const hello = await answer();
  return {
    ...hello,
    ask(request) {
      const promise = answer();
      if (!ended) child.stdin.write(`${JSON.stringify(request)}\n`);
      return promise;
    },
    end() {
      if (!ended) child.kill();
    },
  };
}
