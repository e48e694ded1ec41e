/** Kernels that move elements without computing on them (contract: `src/kernels.ts`). */
import { loadLanes, storeLanes } from "./lanes";
import { stream1 } from "./map";

export function copy(out: usize, x: usize, bytes: usize): void {
  memory.copy(out, x, bytes);
}

export function fill(out: usize, value: usize, n: usize): void {
  fillRow(out, v128.load32_splat(value), n);
}

// @ts-ignore: decorator
@inline
function fillRow(out: usize, value: v128, n: usize): void {
  const end = out + (n << 2);
  for (; out + 64 <= end; out += 64) {
    v128.store(out, value);
    v128.store(out, value, 16);
    v128.store(out, value, 32);
    v128.store(out, value, 48);
  }
  for (; out + 16 <= end; out += 16) v128.store(out, value);
  const rest = (end - out) >> 2;
  if (rest > 0) storeLanes(out, value, rest);
}

// @ts-ignore: decorator
@inline
export function copyRow(out: usize, x: usize, n: usize): void {
  const end = out + (n << 2);
  for (; out + 16 <= end; out += 16, x += 16) v128.store(out, v128.load(x));
  const rest = (end - out) >> 2;
  if (rest > 0) storeLanes(out, loadLanes(x, rest), rest);
}

export function stridedCopy(
  out: usize, x: usize, offset: usize, rank: usize, dims: usize,
): void {
  x += offset << 2;
  if (rank == 0) store<u32>(out, load<u32>(x));
  else copyAxes(out, x, rank, dims, dims + (rank << 2));
}

/** Copies the `rank` ≥ 1 axes whose sizes and strides begin here; returns where it stopped. */
function copyAxes(out: usize, x: usize, rank: usize, sizes: usize, strides: usize): usize {
  const size: usize = load<u32>(sizes);
  const stride: usize = load<u32>(strides);
  if (rank == 1) return copyMatrix(out, x, 1, size, 0, stride);
  if (rank == 2) {
    return copyMatrix(out, x, size, load<u32>(sizes, 4), stride, load<u32>(strides, 4));
  }
  for (let i: usize = 0; i < size; i++, x += stride << 2) {
    out = copyAxes(out, x, rank - 1, sizes + 4, strides + 4);
  }
  return out;
}

export function stridedPlace(
  out: usize, offset: usize, x: usize, rank: usize, dims: usize,
): void {
  out += offset << 2;
  if (rank == 0) store<u32>(out, load<u32>(x));
  else placeAxes(out, x, rank, dims, dims + (rank << 2));
}

/** Writes the `rank` ≥ 1 axes whose sizes and strides begin here; returns where x stopped. */
function placeAxes(out: usize, x: usize, rank: usize, sizes: usize, strides: usize): usize {
  const size: usize = load<u32>(sizes);
  const stride: usize = load<u32>(strides);
  if (rank == 1) {
    const end = x + (size << 2);
    if (stride == 1) copyRow(out, x, size);
    else for (; x < end; x += 4, out += stride << 2) store<u32>(out, load<u32>(x));
    return end;
  }
  for (let i: usize = 0; i < size; i++, out += stride << 2) {
    x = placeAxes(out, x, rank - 1, sizes + 4, strides + 4);
  }
  return x;
}

/** out [rows, cols] = x[r·rs + c·cs]; returns where it stopped. */
function copyMatrix(
  out: usize, x: usize, rows: usize, cols: usize, rs: usize, cs: usize,
): usize {
  const end = out + ((rows * cols) << 2);
  if (out == end) return end;
  if (cols == 1) {
    cols = rows;
    cs = rs;
    rows = 1;
  } else if (rs == cols * cs) {
    // Every row goes on where the one before it ended.
    cols *= rows;
    rows = 1;
  }
  if (cs == 0) {
    for (; rows > 0; rows--, out += cols << 2, x += rs << 2) {
      fillRow(out, v128.load32_splat(x), cols);
    }
  } else if (cs == 1) {
    for (; rows > 0; rows--, out += cols << 2, x += rs << 2) copyRow(out, x, cols);
  } else if (rs == 1) {
    transpose(out, x, rows, cols, cs);
  } else {
    for (; rows > 0; rows--, x += rs << 2) {
      for (let c: usize = 0, p = x; c < cols; c++, out += 4, p += cs << 2) {
        store<u32>(out, load<u32>(p));
      }
    }
  }
  return end;
}

/**
 * Columns that a band holds: few enough that the lines of x under it stay in L1 from one row of
 * tiles to the next. Of 4 to 64, this was the fastest for squares of 64 to 2,048.
 */
const BAND: usize = 16;

/**
 * out [rows, cols] = x[r + c·cs], in tiles of four by four: four columns of `out` are contiguous in
 * x, and turned in registers they are four rows.
 *
 *     a = a0 a1 a2 a3        a0 b0 a1 b1        a0 b0 c0 d0
 *     b = b0 b1 b2 b3   →    c0 d0 c1 d1   →    a1 b1 c1 d1
 *     c = c0 c1 c2 c3        a2 b2 a3 b3        a2 b2 c2 d2
 *     d = d0 d1 d2 d3        c2 d2 c3 d3        a3 b3 c3 d3
 */
function transpose(out: usize, x: usize, rows: usize, cols: usize, cs: usize): void {
  const tiledRows = rows & ~3;
  const tiledCols = cols & ~3;
  const column = cs << 2;
  const row = cols << 2;
  for (let band: usize = 0; band < tiledCols; band += BAND) {
    const bandEnd = min(band + BAND, tiledCols);
    for (let r: usize = 0; r < tiledRows; r += 4) {
      for (let j = band; j < bandEnd; j += 4) {
        const p = x + (r << 2) + j * column;
        const a = v128.load(p);
        const b = v128.load(p + column);
        const c = v128.load(p + 2 * column);
        const d = v128.load(p + 3 * column);
        const abLow = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
        const cdLow = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
        const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
        const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
        const q = out + r * row + (j << 2);
        v128.store(q, v128.shuffle<f64>(abLow, cdLow, 0, 2));
        v128.store(q + row, v128.shuffle<f64>(abLow, cdLow, 1, 3));
        v128.store(q + 2 * row, v128.shuffle<f64>(abHigh, cdHigh, 0, 2));
        v128.store(q + 3 * row, v128.shuffle<f64>(abHigh, cdHigh, 1, 3));
      }
    }
  }
  for (let r: usize = 0; r < rows; r++) {
    for (let c = r < tiledRows ? tiledCols : 0; c < cols; c++) {
      store<u32>(out + r * row + (c << 2), load<u32>(x + (r << 2) + c * column));
    }
  }
}

@unmanaged
class Increment {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return i32x4.add(x, i32x4.splat(1));
  }
}
export function increment(out: usize, x: usize, n: usize): void {
  stream1<Increment>(out, x, n);
}

export function oneHot(out: usize, labels: usize, rows: usize, cols: usize): i32 {
  for (let r: usize = 0; r < rows; r++) {
    // Seen as unsigned, a negative label is out of range too.
    if (<usize>load<u32>(labels + (r << 2)) >= cols) return <i32>r;
  }
  fillRow(out, i32x4.splat(0), rows * cols);
  for (let r: usize = 0; r < rows; r++, out += cols << 2) {
    store<f32>(out + (<usize>load<u32>(labels + (r << 2)) << 2), 1);
  }
  return -1;
}
