/**
 * The whole library without WebAssembly, for engines and policies that have none. Beside
 * `chainrule` it is the second backend: `init({ backend: ts })`.
 */
import { type Backend, setHome } from "./backend.js";
import { createTsBackend } from "./ts/backend.js";

/**
 * The pure-TypeScript backend: `init({ backend: ts })`, or `init({ backend: ts, dtype: "f64" })`.
 */
export const ts: Backend = createTsBackend();
setHome({ backend: ts, create: createTsBackend });

export * from "./core.js";
export { createTsBackend } from "./ts/backend.js";
