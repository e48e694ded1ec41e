import { max, mean, min, sum } from "../../../src/index.js";
import { type Programs, reduce } from "../program.js";

export const programs: Programs = {
  sum: reduce(sum),
  mean: reduce(mean),
  max: reduce(max),
  min: reduce(min),
};
