/**
 * Makes the kernels of the text in which they are embedded: the reader of the format that
 * `scripts/packInstructions.mjs` describes. A module of its own, since a loop in JavaScript runs
 * once, before any compiler has looked at it, and takes twenty times as long.
 *
 * Memory:
 *
 *     LISTS     u8 × 128, u32, u32: locals, the latest used first; FRESH; BASE
 *     BEGINS    u32: where the next code of a size begins in a table that is read
 *     PAIRS     u16: 16 × symbol + how many bits it has
 *     CHOICES   u8 × 4: the tables for what comes after a class, by what is expected
 *     PLACES    u32: where the latest six classes were last, by their hash
 *     TABLES    u16 × 2048 each: pairs, by the next bits
 *     ENTRIES   u16 × 4: address, length, class of a string
 *     STRINGS   their bytes, one after the other
 *     HISTORY   u16: the strings of all modules
 *     TEXT, and where it ends, the bytes
 */
const LISTS: usize = 0;
const BEGINS: usize = 512;
const PAIRS: usize = 1024;
const CHOICES: usize = 1 << 14;
const PLACES: usize = 1 << 16;
const TABLES: usize = 2 << 16;
const ENTRIES: usize = 6 << 16;
const STRINGS: usize = 7 << 16;
const HISTORY: usize = 8 << 16;
/** `src/wasm/embedded.ts` puts the text here. */
const TEXT: usize = 12 << 16;

/** As in `scripts/packInstructions.mjs`; from GAPS on, the tables in their order. */
const SHORTEST: u32 = 4;
const MOST_BITS: u32 = 11;
const NUMBERS: u32 = 12;
const PLACE_MASK: u32 = 0xfffc;
const GAPS: u32 = 0;
const SIZES: u32 = 1;
const SHARED: u32 = 2;
const LENGTHS: u32 = 3;
const LETTERS: u32 = 4;
const CONTEXTS: u32 = 8;
const FIRST: u32 = 9;

/** Within a list of locals, the first that has not been used, from its first on, and this. */
const FRESH: usize = 128;
const BASE: usize = 132;

/** First bytes of strings. */
const LOCAL_GET: u32 = 0x20;
const VECTOR: u32 = 0xfd;
const BYTES: u32 = 0xfe;
const FUNCTION: u32 = 0xff;
const VECTOR_CONSTANT: u32 = 0x0cfd;

const LANES = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

/** Where the text goes on, bits that have been read of it, and how many of these are left. */
let next: usize = TEXT;
let read: u64 = 0;
let left: u32 = 0;
/** The number of strings so far. */
let count: usize = 0;

/** The next MOST_BITS bits. */
// @ts-ignore: decorator
@inline
function nextBits(): u32 {
  if (left < MOST_BITS) {
    read = (read << 24) | load<u32>(next);
    next += 4;
    left += 24;
  }
  return <u32>(read >> (left - MOST_BITS)) & ((1 << MOST_BITS) - 1);
}

/** So many bits, at most MOST_BITS. */
function bits(size: u32): u32 {
  const value = nextBits() >> (MOST_BITS - size);
  left -= size;
  return value;
}

/** The next symbol, by a table. */
function symbol(table: u32): u32 {
  const code: u32 = load<u16>((table << (MOST_BITS + 1)) + (nextBits() << 1), TABLES);
  left -= code & 15;
  return code >> 4;
}

/** A number ≥ 1, of which is known how many bits follow its first. */
// @ts-ignore: decorator
@inline
function number(size: u32): u32 {
  return (1 << size) | bits(size);
}

/** Reads the codes of a table: of its symbols in their order, how many bits they have. */
function readTable(table: u32): void {
  memory.fill(BEGINS, 0, 64);
  let pair = PAIRS;
  for (let one: u32 = -1; ; ) {
    let size: u32 = 0;
    if (table > SIZES) {
      const gap = symbol(GAPS);
      if (gap == 0) break;
      one += number(gap - 1);
      size = symbol(SIZES);
    } else {
      if (++one == MOST_BITS + 1) break;
      size = bits(4);
      if (size == 0) continue;
    }
    store<u16>(pair, (one << 4) | size);
    pair += 2;
    const begin: usize = BEGINS + (size << 2);
    store<u32>(begin, load<u32>(begin, 4) + (2 << (MOST_BITS - size)), 4);
  }
  // Shorter codes come first, and those of a size in the order of the symbols.
  let begin: u32 = <u32>TABLES + (table << (MOST_BITS + 1));
  for (let size: usize = 1; size <= MOST_BITS; size++) {
    begin += load<u32>(size << 2, BEGINS);
    store<u32>(size << 2, begin, BEGINS);
  }
  for (let at = PAIRS; at < pair; at += 2) {
    const code = load<u16>(at);
    const begin: usize = BEGINS + ((code & 15) << 2);
    let to: usize = load<u32>(begin);
    const end = to + (2 << (MOST_BITS - (code & 15)));
    store<u32>(begin, <u32>end);
    for (; to < end; to += 2) store<u16>(to, code);
  }
}

/** Makes numbers of 24 bits of the text, and reads all that comes before the modules. */
function begin(): void {
  for (let at = TEXT; load<u8>(at); at += 16) {
    // Characters of 6 bits, without `\`, the first of four the highest.
    const letters = v128.load(at);
    let value = i8x16.sub(i8x16.add(letters, i8x16.gt_s(letters, i8x16.splat(92))), i8x16.splat(62));
    value = v128.or(i16x8.shl(value, 6), i16x8.shr_u(value, 8));
    value = v128.and(value, i16x8.splat(0xfff));
    v128.store(at, v128.or(i32x4.shr_u(i32x4.shl(value, 16), 4), i32x4.shr_u(value, 16)));
  }
  const tables = bits(6);
  for (let table: u32 = 0; table < tables; table++) readTable(table);
  readStrings();
}

/** The strings: how each begins as the one before does, and the rest. */
function readStrings(): void {
  let to = STRINGS;
  let length: usize = 0;
  for (let entry = ENTRIES, end = entry + (bits(MOST_BITS) << 3); entry < end; entry += 8) {
    const from = to;
    const shared = symbol(SHARED);
    memory.copy(to, to - length, length);
    to += shared;
    if (shared == 15) {
      to = from + length;
      store<u8>(to - 1, load<u8>(to - 1) + 1);
    } else {
      for (let rest = number(symbol(LENGTHS)) - 1; rest; rest--) {
        store<u8>(to++, symbol(LETTERS + (max(<u32>load<u8>(from), VECTOR - 1) & 3)));
      }
    }
    length = to - from;
    const first: u32 = load<u8>(from);
    const second: u32 = load<u8>(from, 1);
    let kind = first;
    if (first == VECTOR) kind = 256 + second;
    else if (first - LOCAL_GET < 3) kind = first + ((second >> 7) << 9);
    store<u16>(entry, from - STRINGS);
    store<u16>(entry, length, 2);
    store<u16>(entry, kind, 4);
    const choices: usize = CHOICES + (kind << 2);
    if (load<u8>(choices, 3)) continue;
    for (let at: usize = 0; at < 3; at++) store<u8>(choices + at, FIRST + symbol(CONTEXTS));
    store<u8>(choices, 1, 3);
  }
}

/** Writes how long the function is that begins there, if one does, in three bytes. */
function endFunction(start: usize, end: usize): void {
  if (start == 0) return;
  const size = <u32>(end - start) - 3;
  store<u16>(start, (size & 127) | ((size << 1) & 0x7f00) | 0x8080);
  store<u8>(start, size >> 14, 2);
}

/** Locals in their order. */
function beginList(list: usize, base: u32): void {
  for (let at: u32 = 0; at < 128; at += 16) {
    v128.store(list + at, i8x16.add(LANES, i8x16.splat(<i8>(base + at))));
  }
  store<u32>(list, 0, FRESH);
  store<u32>(list, base, BASE);
}

/** Writes the instruction of a local; returns where it ends. */
// @ts-ignore: decorator
@inline
function putLocal(to: usize, opcode: u32, operand: u32): usize {
  store<u8>(to, opcode);
  const list = LISTS + (<usize>(operand >> 7) << 8);
  // Those not used yet lie where they did at the beginning.
  const rank = operand & 127 ? (operand & 127) - 1 : load<u32>(list, FRESH);
  let local: u32 = load<u8>(list + rank);
  store<u32>(list, max(load<u32>(list, FRESH), local + 1 - load<u32>(list, BASE)), FRESH);
  if (rank < 16) {
    // Up to its place each lane takes the one before.
    const moved = i8x16.le_u(LANES, i8x16.splat(<i8>rank));
    const lanes = i8x16.replace_lane(i8x16.add(LANES, moved), 0, <i8>rank);
    v128.store(list, i8x16.swizzle(v128.load(list), lanes));
  } else {
    memory.copy(list + 1, list, rank);
    store<u8>(list, local);
  }
  if (local > 127) {
    store<u8>(to++, local | 128, 1);
    local >>= 7;
  }
  store<u8>(to, local, 1);
  return to + 2;
}

/** Writes the next module of the text, whose bytes are known, from `to` on. */
export function unpack(to: usize, bytes: usize): void {
  if (next == TEXT) begin();
  const end = to + bytes;
  // The classes of the latest strings, ten bits each.
  let classes: u64 = BYTES;
  // What came after the same classes; whether that has been right; how many more are the same.
  let place: usize = 0;
  let expects: u32 = 0;
  let same: u32 = 0;
  // Where the function begins.
  let start: usize = 0;
  while (to < end) {
    count++;
    let id: usize = 0;
    if (same == 0) {
      const latest = <u32>classes & 1023;
      const hash: usize = <u32>(((classes << 4) * 0x9e37_79b9_7f4a_7c15) >> 29) & PLACE_MASK;
      if (expects == 0) {
        place = load<u32>(hash, PLACES);
        const before: usize = load<u16>(HISTORY + (place << 1) - 2);
        if (place && load<u16>(ENTRIES + (before << 3), 4) == latest) expects = 1;
      }
      store<u32>(hash, <u32>count, PLACES);
      const found = symbol(load<u8>(CHOICES + (latest << 2) + expects));
      if (found < NUMBERS) {
        same = found ? number(found - 1) + SHORTEST - 1 : 1;
        expects = 2;
      } else {
        id = found - NUMBERS;
        expects = 0;
      }
    }
    if (same) {
      id = load<u16>(HISTORY + (place++ << 1));
      same--;
    }
    store<u16>(HISTORY + (count << 1), id);
    const entry = ENTRIES + (id << 3);
    classes = (classes << 10) | load<u16>(entry, 4);
    let from: usize = STRINGS + load<u16>(entry);
    let size: usize = load<u16>(entry, 2);
    const first: u32 = load<u8>(from);
    if (first - LOCAL_GET < 3) {
      to = putLocal(to, first, load<u8>(from, 1));
      continue;
    }
    if (first >= BYTES) {
      endFunction(start, to);
      start = 0;
      from++;
      size--;
      if (first == FUNCTION) {
        beginList(LISTS, 0);
        beginList(LISTS + 256, load<u8>(from++));
        size--;
        start = to;
        to += 3;
      }
    }
    if (size > 32) memory.copy(to, from, size);
    else {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    }
    to += size;
    if (load<u16>(from) == VECTOR_CONSTANT) {
      // Of a constant that repeats 4 or 8 bytes, these.
      if (size == 6) v128.store(to - 4, v128.load32_splat(to - 4));
      else if (size == 10) v128.store(to - 8, v128.load64_splat(to - 8));
      to += 18 - size;
    }
  }
  endFunction(start, to);
}
