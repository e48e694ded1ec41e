/**
 * Planes of an image with their padding, so that a kernel reads every position alike. Columns that
 * lie `phases` apart, which are those that neighbouring positions of a kernel of that stride look
 * at, lie side by side:
 *
 *     phases = 1    0 0 a b c d e 0
 *     phases = 2    0 a c e │ 0 b d 0        column c at (c mod phases) · pitch / phases + ⌊c / phases⌋
 */

/** Elements from one padded row to the next. */
// @ts-ignore: decorator
@inline
export function pitchOf(columns: u32, phases: u32): u32 {
  return (columns + phases - 1) / phases * phases;
}

/**
 * `rows` rows of `columns` columns of each of `planes` planes of x [height, width], the first at
 * row `top` and column `left`, over zeros: nothing is written where x has none. Rows of `out` are
 * pitchOf(columns, phases) long, its planes `planeBytes` apart.
 */
export function padPlanes(
  out: usize, planeBytes: usize, x: usize, planes: u32, height: u32, width: u32,
  top: i32, left: i32, rows: u32, columns: u32, phases: u32,
): void {
  const pitch = pitchOf(columns, phases);
  const before = max<i32>(-left, 0);
  const end = min<i32>(<i32>width - left, columns);
  const above = max<i32>(-top, 0);
  const below = min<i32>(<i32>height - top, rows);
  if (before >= end) return;
  const n = <usize>(end - before) << 2;
  const right = phases == 1 ? <usize>before << 2 : 0;
  out += <usize>(<u32>above * pitch) << 2;
  x += <usize>((top + above) * <i32>width + left) << 2;
  for (; planes > 0; planes--, out += planeBytes, x += <usize>(height * width) << 2) {
    let to = out + right;
    let from = x + right;
    for (let r = above; r < below; r++, to += <usize>pitch << 2, from += <usize>width << 2) {
      if (phases > 1) spreadRow(to, from, before, end, pitch, phases);
      else copyRow(to, from, n);
    }
  }
}

/** Copies n bytes: vectors, of which the last overlaps the one before it. */
// @ts-ignore: decorator
@inline
function copyRow(out: usize, x: usize, n: usize): void {
  const end = out + n;
  if (n < 16) {
    for (; out < end; out += 4, x += 4) store<f32>(out, load<f32>(x));
    return;
  }
  const last = x + n - 16;
  for (; out < end - 16; out += 16, x += 16) v128.store(out, v128.load(x));
  v128.store(end - 16, v128.load(last));
}

/** A row in phases: columns before ≤ c < end from x. */
function spreadRow(out: usize, x: usize, before: u32, end: u32, pitch: u32, phases: u32): void {
  for (let phase: u32 = 0; phase < phases; phase++) {
    let to = out + (<usize>(phase * (pitch / phases)) << 2);
    for (let c = phase; c < end; c += phases, to += 4) {
      if (c >= before) store<f32>(to, load<f32>(x + (<usize>c << 2)));
    }
  }
}
