/** What only several threads need: a part of the package of its own, which `init` loads. */
import type { ThreadedBackend } from "./backend.js";
import { makeSchedule } from "./plan/schedule.js";
import type { ThreadParts } from "./wasm/backend.js";
import { createTeam, type ThreadedOptions } from "./wasm/threads.js";

export const createThreadedBackend = (
  options: ThreadedOptions,
  parts: ThreadParts,
): Promise<ThreadedBackend> => createTeam(options, makeSchedule, parts);
