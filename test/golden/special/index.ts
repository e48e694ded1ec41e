/** The kinds of cases that are not "inputs → outputs", by the name of their op. */
import type { Special } from "../adapter.js";
import { generatedMatmul } from "./matmul.js";
import { trainingRun } from "./training.js";

export const specials: Readonly<Record<string, Special>> = {
  matmul_generated: generatedMatmul,
  training_run: trainingRun,
};
