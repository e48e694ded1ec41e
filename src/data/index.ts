import "../ops/methods.js";

export { type ArraysOptions, fromArrays, type Numbers } from "./arrays.js";
export {
  type Batch,
  type BatchOptions,
  batches,
  type Dataset,
  type DatasetOptions,
  idxDataset,
} from "./batches.js";
export {
  type CsvDatasetOptions,
  type CsvOptions,
  type CsvTable,
  csvDataset,
  parseCsv,
  readCsv,
} from "./csv.js";
export { type IdxArray, type IdxData, parseIdx, readIdx } from "./idx.js";
export { accuracy, confusionMatrix, type Labels, predictions, topKAccuracy } from "./metrics.js";
export { type NpyArray, type NpyData, parseNpy, readNpy, toNpy } from "./npy.js";
export type { Source } from "./source.js";
