import "../ops/methods.js";

export {
  type Batch,
  type BatchOptions,
  batches,
  type Dataset,
  type DatasetOptions,
  idxDataset,
} from "./batches.js";
export { type IdxArray, type IdxData, parseIdx, readIdx } from "./idx.js";
