export { loadSafetensors, type SafetensorsFile, saveSafetensors } from "./safetensors.js";
export type { StateData, StateDtype, StateEntry } from "./stateEntry.js";
