export { Circuit, type CircuitOptions, circuit } from "./circuit.js";
export type { CircuitData, Gate, Summary, Term, Wire } from "./types.js";
