import type { Backend } from "./backend.js";
import { createTsBackend } from "./ts/backend.js";

export { createTsBackend } from "./ts/backend.js";

/**
 * The pure-TypeScript backend: `init({ backend: ts })`, or `init({ backend: ts, dtype: "f64" })`.
 */
export const ts: Backend = createTsBackend();
