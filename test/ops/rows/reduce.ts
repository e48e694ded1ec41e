import { max, mean, min, sum } from "../../../src/index.js";
import { type Row, reduced } from "../row.js";

export const rows: Row[] = [
  ...reduced("sum", sum),
  ...reduced("mean", mean),
  ...reduced("max", max, { distinct: true }),
  ...reduced("min", min, { distinct: true }),
];
