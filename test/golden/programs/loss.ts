import { crossEntropy } from "../../../src/nn/index.js";
import type { Programs } from "../program.js";

export const programs: Programs = {
  cross_entropy: ([x, y], { reduction }) => [crossEntropy(x, y, { reduction })],
};
