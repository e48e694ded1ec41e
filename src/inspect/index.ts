export type { CircuitData, Gate, Summary, Term, Wire } from "./types.js";
