import type { Heap } from "./float.js";

/** Planes of an image with their padding (see `assembly/padding.ts`); addresses in elements. */

export function pitchOf(columns: number, phases: number): number {
  return Math.ceil(columns / phases) * phases;
}

export function padPlanes(
  f: Heap["f"],
  out: number,
  planeSize: number,
  x: number,
  planes: number,
  height: number,
  width: number,
  top: number,
  left: number,
  rows: number,
  columns: number,
  phases: number,
): void {
  const pitch = pitchOf(columns, phases);
  for (let plane = 0; plane < planes; plane++) {
    let to = out + plane * planeSize;
    for (let row = top; row < top + rows; row++) {
      const from = x + (plane * height + row) * width + left;
      const inside = row >= 0 && row < height;
      for (let phase = 0; phase < phases; phase++) {
        for (let c = phase; c < pitch; c += phases) {
          const there = inside && c + left >= 0 && c + left < width;
          f[to++] = there ? (f[from + c] as number) : 0;
        }
      }
    }
  }
}
