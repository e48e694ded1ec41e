export { Circuit, type CircuitOptions, circuit } from "./circuit.js";
export type {
  ActivationRecord,
  Histogram,
  History,
  LayerRecord,
  MonitorRecord,
  NormRecord,
  Spread,
  Warning,
} from "./history.js";
export type { DrawOptions } from "./draw/open.js";
export { toSvg } from "./draw/toSvg.js";
export type { CircuitData, Gate, Summary, Term, Wire } from "./types.js";
