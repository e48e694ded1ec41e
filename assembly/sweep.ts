import { filterKernel, singleFilterKernel } from "./convKernel";

/**
 * All filters at all positions of a part, from padded planes: vectors of four positions that lie in
 * one row are loaded from the planes two at a time; those that reach from one row into the next are
 * packed, and come when there are two of them. Tiles that are not whole, or whose positions are not
 * neighbours in the result, are computed in scratch and copied.
 */

/** Bytes of n elements. */
// @ts-ignore: decorator
@inline
function bytes(n: u32): usize {
  return <usize>n << 2;
}

/** What a sweep over the positions of one part has in common. */
@unmanaged
export class Sweep {
  /** Micro-panels of `filters` filters, k long. */
  panels: usize;
  filters: u32;
  k: u32;
  /** Byte offsets of k in the padded planes, and in packed positions. */
  offsets: usize;
  packedOffsets: usize;
  packed: usize;
  /** The plane of the first filter in the result; the next is `stride` bytes further. */
  out: usize;
  stride: usize;
  /** A bias for each filter, or 0. */
  bias: usize;
  keep: bool;
  relu: bool;
  /** Positions of the part: rows of `columns`, in the result that many bytes apart. */
  columns: u32;
  rowBytes: usize;
  columnBytes: usize;
  /** The padded planes, and bytes from one row of positions to the next. */
  source: usize;
  sourceRowBytes: usize;
  /** A tile, and the addresses of its positions in the plane of the first filter. */
  tile: usize;
  lanes: usize;
}

/** All positions of a part that is `height` rows high. */
export function sweep(s: Sweep, height: u32): void {
  const columns = s.columns;
  const total = height * columns;
  const none: u32 = 0xffffffff;
  // Vectors whose positions are neighbours in the result too, in a row and from one into the next.
  const dense = s.columnBytes == 4;
  const flat = dense && s.rowBytes == bytes(columns);
  let waiting = none;
  let waitingAt: usize = 0;
  let waitingTo: usize = 0;
  let packed = none;
  let packedTo: usize = 0;
  let column: u32 = 0;
  let row = s.source;
  let out = s.out;
  for (let l: u32 = 0; l < total; l += 4) {
    const at = row + bytes(column);
    const to = out + <usize>column * s.columnBytes;
    const count = total - l;
    if (column + min<u32>(4, count) <= columns) {
      if (waiting == none) {
        waiting = l;
        waitingAt = at;
        waitingTo = to;
      } else {
        multiply(
          s, total, waiting, waitingAt, waitingTo, l, at, to, s.offsets, dense && count >= 4,
        );
        waiting = none;
      }
    } else {
      packPositions(s, packed == none ? s.packed : s.packed + 16, row, column, count);
      if (packed == none) {
        packed = l;
        packedTo = to;
      } else {
        const from = s.packed;
        multiply(
          s, total, packed, from, packedTo, l, from + 16, to, s.packedOffsets, flat && count >= 4,
        );
        packed = none;
      }
    }
    column += 4;
    while (column >= columns) {
      column -= columns;
      row += s.sourceRowBytes;
      out += s.rowBytes;
    }
  }
  if (waiting != none) {
    multiply(s, total, waiting, waitingAt, 0, total, waitingAt, 0, s.offsets, false);
  }
  if (packed != none) {
    multiply(s, total, packed, s.packed, 0, total, s.packed, 0, s.packedOffsets, false);
  }
}

/**
 * Packs a vector of up to four positions from `column` of a row on, of which some lie in the rows
 * below: every 32 bytes, a step of k.
 */
function packPositions(s: Sweep, out: usize, row: usize, column: u32, count: u32): void {
  const columns = s.columns;
  const end = out + (<usize>s.k << 5);
  let offsets = s.offsets;
  const x = row + bytes(column);
  if (columns >= 3) {
    // Two rows: the rest of the first, and the lanes after it.
    const below = row + s.sourceRowBytes - bytes(columns - column);
    const mask = i32x4.gt_s(i32x4.splat(columns - column), i32x4(0, 1, 2, 3));
    // The loop ends at its end, as in `maxSquares`: V8 then makes the mask before it.
    if (out < end) do {
      const at: usize = load<u32>(offsets);
      v128.store(out, v128.bitselect(v128.load(x + at), v128.load(below + at), mask));
      out += 32;
      offsets += 4;
    } while (out < end);
    return;
  }
  const lanes = s.lanes;
  for (let lane: u32 = 0; lane < 4; lane++) {
    store<u32>(lanes + bytes(lane), row + bytes(column));
    if (lane + 1 < count && ++column == columns) {
      column = 0;
      row += s.sourceRowBytes;
    }
  }
  for (; out < end; out += 32, offsets += 4) {
    const at: usize = load<u32>(offsets);
    let v = v128.load32_zero(<usize>load<u32>(lanes) + at);
    v = v128.load32_lane(<usize>load<u32>(lanes, 4) + at, v, 1);
    v = v128.load32_lane(<usize>load<u32>(lanes, 8) + at, v, 2);
    v = v128.load32_lane(<usize>load<u32>(lanes, 12) + at, v, 3);
    v128.store(out, v);
  }
}

/** Where position l is in the plane of the first filter. */
// @ts-ignore: decorator
@inline
function placeOf(s: Sweep, l: u32): usize {
  return s.out + <usize>(l / s.columns) * s.rowBytes + <usize>(l % s.columns) * s.columnBytes;
}

/**
 * All filters at the positions l0 … and l1 …, up to four each, none from `total` on, whose vectors
 * are at x0 and x1; `whole`: all eight lie side by side in the result, at c0 and c1.
 */
function multiply(
  s: Sweep, total: u32, l0: u32, x0: usize, c0: usize, l1: u32, x1: usize, c1: usize,
  offsets: usize, whole: bool,
): void {
  const k = s.k;
  const stride = s.stride;
  const keep = s.keep;
  const relu = s.relu;
  const tile = s.tile;
  const panels = whole ? s.filters >> 2 : 0;
  let a = s.panels;
  let bias = s.bias;
  if (panels) filterKernel(c0, c1, a, x0, x1, offsets, k, stride, keep, bias, relu, panels);
  let r = panels << 2;
  if (r == s.filters) return;
  a += <usize>(k * r) << 2;
  let down = <usize>r * stride;
  if (bias) bias += bytes(r);
  const alone = whole && s.filters - r == 1;
  if (!alone) findLanes(s, total, l0, l1);
  for (; r < s.filters; r += 4, a += <usize>k << 4) {
    const rows = min<u32>(s.filters - r, 4);
    if (alone) {
      singleFilterKernel(c0 + down, c1 + down, a, x0, x1, offsets, k, keep, bias, relu);
      return;
    }
    if (keep) exchange(s, down, rows, false);
    if (rows == 1) {
      singleFilterKernel(tile, tile + 16, a, x0, x1, offsets, k, keep, bias, relu);
    } else {
      filterKernel(tile, tile + 16, a, x0, x1, offsets, k, 32, keep, bias, relu, 1);
    }
    exchange(s, down, rows, true);
    down += stride << 2;
    if (bias) bias += 16;
  }
}

/** Notes where the positions of a tile are in the plane of the first filter; 0: there is none. */
function findLanes(s: Sweep, total: u32, l0: u32, l1: u32): void {
  for (let lane: u32 = 0; lane < 8; lane++) {
    const l = lane < 4 ? l0 + lane : l1 + lane - 4;
    store<u32>(s.lanes + bytes(lane), l < total ? <u32>placeOf(s, l) : 0);
  }
}

/**
 * Fills `rows` rows of the tile from the result, planes from `down` bytes on; or, `back`, those of
 * the result from the tile.
 */
function exchange(s: Sweep, down: usize, rows: u32, back: bool): void {
  for (let lane: usize = 0; lane < 32; lane += 4) {
    let place: usize = load<u32>(s.lanes + lane);
    if (!place) continue;
    place += down;
    let at = s.tile + lane;
    for (let row: u32 = 0; row < rows; row++, at += 32, place += s.stride) {
      store<f32>(back ? place : at, load<f32>(back ? at : place));
    }
  }
}
