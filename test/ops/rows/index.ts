/** All rows, in the order of the proof. */
import type { Row } from "../row.js";
import { rows as conv } from "./conv.js";
import { rows as elementwise } from "./elementwise.js";
import { rows as logic } from "./logic.js";
import { rows as loss } from "./loss.js";
import { rows as math } from "./math.js";
import { rows as matmul } from "./matmul.js";
import { rows as norm } from "./norm.js";
import { rows as reduce } from "./reduce.js";
import { rows as shape } from "./shape.js";

export const rows: readonly Row[] = [
  ...elementwise,
  ...logic,
  ...math,
  ...reduce,
  ...matmul,
  ...loss,
  ...norm,
  ...shape,
  ...conv,
];
