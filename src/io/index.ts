export { joinStates, type StateDict, splitStates } from "../state.js";
export {
  loadSafetensors,
  readSafetensors,
  type SafetensorsFile,
  saveSafetensors,
} from "./safetensors.js";
export type { StateData, StateDtype, StateEntry } from "./stateEntry.js";
