/** Elements that `sumBlocks` makes one. */
export const BLOCK = 4096;
