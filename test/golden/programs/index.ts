/** The program of every op of the suite, by its name there. */
import type { Programs } from "../program.js";
import { programs as composite } from "./composite.js";
import { programs as conv } from "./conv.js";
import { programs as elementwise } from "./elementwise.js";
import { programs as logic } from "./logic.js";
import { programs as loss } from "./loss.js";
import { programs as math } from "./math.js";
import { programs as matmul } from "./matmul.js";
import { programs as norm } from "./norm.js";
import { programs as reduce } from "./reduce.js";
import { programs as shape } from "./shape.js";

export const programs: Programs = {
  ...elementwise,
  ...logic,
  ...math,
  ...reduce,
  ...matmul,
  ...loss,
  ...norm,
  ...shape,
  ...conv,
  ...composite,
};
