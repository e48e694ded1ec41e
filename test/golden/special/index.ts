/** The kinds of cases that are not "inputs → outputs", by the name of their op. */
import type { Special } from "../adapter.js";
import { scalarGraph, secondOrder } from "./derivatives.js";
import { generatedMatmul } from "./matmul.js";
import { clipNorm, clipValue, optimizer, schedule } from "./optimizers.js";
import { trainingRun } from "./training.js";

export const specials: Readonly<Record<string, Special>> = {
  matmul_generated: generatedMatmul,
  training_run: trainingRun,
  second_order: secondOrder,
  scalar_graph: scalarGraph,
  optimizer,
  clip_grad_norm: clipNorm,
  clip_grad_value: clipValue,
  lr_schedule: schedule,
};
