/**
 * Planes of an image with their padding, so that a kernel reads every position alike. Columns that
 * lie `phases` apart, which are those that neighbouring positions of a kernel of that stride look
 * at, lie side by side:
 *
 *     phases = 1    0 0 a b c d e 0
 *     phases = 2    0 a c e │ 0 b d 0        column c at (c mod phases) · pitch / phases + ⌊c / phases⌋
 */

/** Writes n zeros. */
// @ts-ignore: decorator
@inline
function zeros(out: usize, n: u32): void {
  const end = out + (<usize>n << 2);
  for (; out + 16 <= end; out += 16) v128.store(out, f32x4.splat(0));
  for (; out < end; out += 4) store<f32>(out, 0);
}

/** Elements from one padded row to the next. */
// @ts-ignore: decorator
@inline
export function pitchOf(columns: u32, phases: u32): u32 {
  return (columns + phases - 1) / phases * phases;
}

/**
 * `rows` rows of `columns` columns of each of `planes` planes of x [height, width], the first at
 * row `top` and column `left`; 0 where x has none. Rows of `out` are pitchOf(columns, phases) long,
 * its planes `planeBytes` apart.
 */
export function padPlanes(
  out: usize, planeBytes: usize, x: usize, planes: u32, height: u32, width: u32,
  top: i32, left: i32, rows: u32, columns: u32, phases: u32,
): void {
  const pitch = pitchOf(columns, phases);
  const before = <u32>min<i32>(max<i32>(-left, 0), columns);
  const end = max<u32>(before, <u32>max<i32>(min<i32>(<i32>width - left, columns), 0));
  for (; planes > 0; planes--, out += planeBytes, x += <usize>(height * width) << 2) {
    let to = out;
    for (let r: u32 = 0; r < rows; r++, to += <usize>pitch << 2) {
      const row = top + <i32>r;
      if (row < 0 || row >= <i32>height || before == end) {
        zeros(to, pitch);
        continue;
      }
      const from = x + (<usize>(row * <i32>width + left) << 2);
      if (phases > 1) {
        spreadRow(to, from, before, end, pitch, phases);
        continue;
      }
      for (let c: u32 = 0; c < before; c++) store<f32>(to + (<usize>c << 2), 0);
      copyRow(to + (<usize>before << 2), from + (<usize>before << 2), end - before);
      for (let c = end; c < columns; c++) store<f32>(to + (<usize>c << 2), 0);
    }
  }
}

/** out[i] = x[i]: vectors, of which the last overlaps the one before it. */
// @ts-ignore: decorator
@inline
function copyRow(out: usize, x: usize, n: u32): void {
  const end = out + (<usize>n << 2);
  if (n < 4) {
    for (; out < end; out += 4, x += 4) store<f32>(out, load<f32>(x));
    return;
  }
  const last = end - 16;
  const lastX = x + (<usize>n << 2) - 16;
  for (; out < last; out += 16, x += 16) v128.store(out, v128.load(x));
  v128.store(last, v128.load(lastX));
}

/** A row in phases: columns before ≤ c < end from x, the others 0. */
function spreadRow(out: usize, x: usize, before: u32, end: u32, pitch: u32, phases: u32): void {
  for (let phase: u32 = 0; phase < phases; phase++) {
    for (let c = phase; c < pitch; c += phases, out += 4) {
      store<f32>(out, c >= before && c < end ? load<f32>(x + (<usize>c << 2)) : 0);
    }
  }
}
