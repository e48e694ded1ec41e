import "../ops/methods.js";

export type { BadOp, Range } from "../badOp.js";
export type { CircuitOptions } from "./arguments.js";
export { firstBadOp } from "./badOp.js";
export { Circuit, circuit } from "./circuit.js";
export type { Cost } from "./cost.js";
export { type DotOptions, toDot } from "./dot.js";
export type { DrawOptions } from "./draw/open.js";
export { toHtml } from "./draw/toHtml.js";
export { toSvg } from "./draw/toSvg.js";
export { collapsed, type Group, grouped } from "./group.js";
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
export {
  type JacobianKind,
  type JacobianShapes,
  type JacobianShapesOptions,
  jacobianShapes,
  type ModeCost,
  type OperandJacobian,
  type OpJacobians,
} from "./jacobianShapes.js";
export { type Json, toJson } from "./json.js";
export { type Monitored, type MonitorOptions, monitor } from "./monitor.js";
export type { Peak } from "./peak.js";
export {
  type Profile,
  type ProfileData,
  type ProfileGroup,
  type ProfileOptions,
  type ProfileRow,
  profile,
} from "./profile.js";
export type { TextOptions as ProfileTextOptions } from "./profileText.js";
export { type Run, report } from "./report/report.js";
export { type StagesOptions, stages } from "./stages.js";
export type { Step } from "./steps.js";
export { type TextOptions, toText } from "./text.js";
export type { CircuitData, Gate, Summary, Term, Wire } from "./types.js";
