export type { BadOp, Range } from "../badOp.js";
export { firstBadOp } from "./badOp.js";
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
export { type Monitored, type MonitorOptions, monitor } from "./monitor.js";
export type { CircuitData, Gate, Summary, Term, Wire } from "./types.js";
