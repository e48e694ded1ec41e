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
export {
  type Cost,
  type Peak,
  type Profile,
  type ProfileData,
  type ProfileGroup,
  type ProfileOptions,
  type ProfileRow,
  profile,
} from "./profile.js";
export type { TextOptions } from "./profileText.js";
export type { CircuitData, Gate, Summary, Term, Wire } from "./types.js";
