/**
 * Makes the kernels of the text in which they are embedded (`scripts/packSymbols.mjs`), a module of
 * its own: a loop in JavaScript runs once, before any compiler has looked at it, and takes twenty
 * times as long. The text is a number in digits of 6 bits, from which a range coder (G. N. N. Martin
 * 1979; LZMA's, I. Pavlov 1998) reads bits, each with the probability that it has had in its slot.
 * They are tokens:
 *
 *     0 symbol                       `scripts/kernelSymbols.mjs` describes them
 *     1 0 length rank                those after the rank-th latest place with the same opcodes before
 *     1 1 length                     those that go on as far back as the last ones
 *
 * Memory:
 *
 *     SLOTS    probabilities, u32 each: of 1, in 1 / 65536, less ½ | how often seen
 *     RATES    u32: how far a probability goes to a bit, by how often it was seen
 *     LATEST   the locals of a function, the latest used first
 *     HEADS    by the opcodes before, and LINKS by symbol: where they were before, u32
 *     HISTORY  the symbols, u16
 *     TEXT, and where it ends, the bytes
 */
const FLAGS: usize = 0;
const AGAIN: usize = 32 << 2;
const HEADER: usize = 1024 << 2;
const LENGTH: usize = 2048 << 2;
const LENGTH_AGAIN: usize = 3072 << 2;
const RANK: usize = 4096 << 2;
const RANK_SHORT: usize = 5120 << 2;
const SYMBOL: usize = 8192 << 2;
const SYMBOL_MASK: usize = 0xffff;
const RATES: usize = SYMBOL + ((SYMBOL_MASK + 1 + 512) << 2);
const LATEST: usize = RATES + 256;
const HEADS: usize = LATEST + 512;
const HEADS_MASK: usize = 0x3fff;
const HISTORY: usize = HEADS + ((HEADS_MASK + 1) << 2);
const LINKS: usize = HISTORY + (1 << 19);
/** In pages of 64 kB; `src/wasm/embedded.ts` puts the text here. */
const TEXT: usize = 30 << 16;

/** How often a bit has been seen, at most, when its probability changes. */
const SEEN: u32 = 30;
const LITERAL: usize = 0;
const MATCH: usize = 1;
const MATCH_AGAIN: usize = 2;

/** What a symbol is. */
const OPCODE: usize = 0;
const LOCAL: usize = 1;
const DECLARATION: usize = 2;
const IMMEDIATE: usize = 3;
const CONSTANT: usize = 4;

const NO_FUNCTION: u32 = 255;
const BRANCH_TABLE: u32 = 0x0e;
const CALL_INDIRECT: u32 = 0x11;
const BULK: u32 = 0xfc;
/** Numbers of no SIMD instruction: for constants that repeat 4 or 8 bytes, and relaxed_madd. */
const SPLAT4: u32 = 0xa2;
const SPLAT8: u32 = 0xa5;
const RELAXED_MADD: u32 = 0xe2;
/** Opcodes below 64 that a number follows. */
const NUMBERED: u64 = 0xffff_ff18_0003_701c;

let next: usize = TEXT;
let range: u64 = 0;
let code: u64 = 0;

/** The number of the next symbol, what the last token was, and how far back the last match went. */
let count: usize = 0;
let last: usize = LITERAL;
let distance: usize = 0;

/** A value of some bits, the highest first; each has a slot for what comes before it. */
function tree(slot: usize, bits: u32): u32 {
  let node: usize = 1;
  const limit: usize = 1 << bits;
  let width = range;
  let value = code;
  do {
    const at = slot + (node << 2);
    const entry = load<u32>(at);
    const seen = entry & 255;
    const chance = (entry >>> 16) ^ 0x8000;
    const bound = (width >> 16) * <u64>(chance | 32);
    let change = -(<i32>chance);
    node <<= 1;
    if (value < bound) {
      width = bound;
      change += 65536;
      node++;
    } else {
      value -= bound;
      width -= bound;
    }
    const changed = chance + ((change * load<i32>(RATES + (seen << 2))) >> 14);
    store<u32>(at, ((changed ^ 0x8000) << 16) | (seen + u32(seen < SEEN)));
    if (width < 1 << 24) {
      width <<= 24;
      value = (value << 24) | digits();
    }
  } while (node < limit);
  range = width;
  code = value;
  return <u32>(node - limit);
}

/** The next four digits. */
function digits(): u32 {
  let value: u32 = 0;
  for (const end = next + 4; next < end; next++) {
    const character: u32 = load<u8>(next);
    value = (value << 6) | (character - 61 - u32(character > 92));
  }
  return value;
}

/** A number from 1 to 255: how many bits follow its first, and these. */
function number(slot: usize): u32 {
  let bits = tree(slot, 3);
  slot += (<usize>bits + 1) << 6;
  let value: u32 = 1;
  while (bits-- > 0) {
    value = (value << 1) | tree(slot + ((value < 8 ? value - 1 : bits + 7) << 2), 1);
  }
  return value;
}

/** Writes a number of at most two bytes; returns where it ends. */
function putNumber(to: usize, value: u32): usize {
  if (value > 127) {
    store<u8>(to++, value | 128);
    value >>= 7;
  }
  store<u8>(to++, value);
  return to;
}

/** Where a match of this length came before, by the list of the places with the same opcodes. */
function placeOf(length: u32, head: usize): usize {
  let rank = number(length > 2 ? RANK : RANK_SHORT);
  let from: usize = load<u32>(head);
  while (--rank) from = load<u32>(LINKS + (from << 2));
  return from;
}

/** The local of a symbol, which becomes the latest. */
function localOf(symbol: u32, fresh: u32): u32 {
  let local = fresh;
  let rank: usize = symbol - 1;
  if (symbol) local = load<u8>(LATEST + rank);
  else for (rank = 0; load<u8>(LATEST + rank) != local; ) rank++;
  for (; rank > 0; rank--) store<u8>(LATEST + rank, load<u8>(LATEST + rank - 1));
  store<u8>(LATEST, local);
  return local;
}

/**
 * Writes the next module of the text, whose bytes are known, from `to` on. All in one function: the
 * first compiler has registers for locals alone.
 */
export function unpack(to: usize, bytes: usize): void {
  if (range == 0) {
    for (let seen: u32 = 0; seen <= SEEN; seen++) {
      store<u32>(RATES + (<usize>seen << 2), 16384 / (seen + 2));
    }
    code = (<u64>digits() << 24) | digits();
    range = 1 << 48;
  }
  const end = to + bytes;
  // What the next symbol is, and how many of its kind there are; of a number, of its bytes the last.
  let kind = CONSTANT;
  let left = tree(HEADER, 10);
  // The latest two opcodes, and how many symbols have come after them.
  let opcode: u32 = 0;
  let previous: u32 = 0;
  let place: u32 = 0;
  // Where the function begins, how many blocks are open in it, and its first local not yet used.
  let start: usize = 0;
  let depth = 0;
  let fresh: u32 = 0;
  // What is left of a match.
  let length: u32 = 0;
  while (to < end) {
    const hash = (((opcode << 3) + <u32>kind) * 97 + previous * 2521) & <u32>HEADS_MASK;
    const head = HEADS + (<usize>hash << 2);
    let symbol: u32 = 0;
    if (length == 0) {
      const flag = FLAGS + (((last << 3) + kind) << 2);
      if (tree(flag, 1)) {
        if (tree(AGAIN + flag, 1)) {
          length = number(LENGTH_AGAIN);
          last = MATCH_AGAIN;
        } else {
          length = number(LENGTH);
          distance = count - placeOf(length, head);
          last = MATCH;
        }
      } else {
        const known = kind == OPCODE ? opcode : 512 + (opcode << 2) + (place & 3);
        const slot = (known * 293) & <u32>SYMBOL_MASK;
        const bits = kind == OPCODE ? 9 : kind == LOCAL ? 7 : 8;
        symbol = tree(SYMBOL + (<usize>slot << 2), bits);
        last = LITERAL;
      }
    }
    if (length > 0) {
      length--;
      symbol = load<u16>(HISTORY + ((count - distance) << 1));
    }
    store<u32>(LINKS + (count << 2), load<u32>(head));
    store<u32>(head, <u32>count);
    store<u16>(HISTORY + (count << 1), symbol);
    count++;

    let begins = false;
    if (kind == OPCODE) {
      previous = opcode;
      opcode = symbol;
      place = -1;
      kind = IMMEDIATE;
      left = 0;
      if (symbol < 256) {
        store<u8>(to++, symbol);
        if (symbol - 0x20 < 3) kind = LOCAL;
        else if (symbol == 0x0b) {
          if (depth-- == 0) {
            // How long it is, in three bytes.
            const size = <u32>(to - start) - 3;
            store<u16>(start, (size & 127) | ((size << 1) & 0x7f00) | 0x8080);
            store<u8>(start, size >> 14, 2);
            begins = true;
          }
        } else if (symbol - 0x43 < 2) {
          kind = CONSTANT;
          left = (symbol - 0x42) << 2;
        } else {
          if (symbol - 2 < 3) depth++;
          if (symbol - 0x28 < 0x17) store<u8>(to++, 0);
          if (symbol < 64 ? (NUMBERED >> symbol) & 1 : symbol < 0x43 || symbol == BULK) left = 1;
          if (symbol == CALL_INDIRECT) left = 2;
        }
      } else {
        symbol &= 255;
        store<u8>(to++, 0xfd);
        if (symbol == SPLAT4 || symbol == SPLAT8) {
          store<u8>(to++, 12);
          kind = CONSTANT;
          left = symbol == SPLAT4 ? 4 : 8;
        } else if (symbol == RELAXED_MADD) {
          store<u16>(to, 0x0285);
          to += 2;
        } else {
          to = putNumber(to, symbol);
          if (symbol < 12 || symbol - 84 < 10) {
            store<u8>(to++, 0);
            left = symbol - 84 < 8 ? 2 : 1;
          } else if (symbol < 14) {
            kind = CONSTANT;
            left = 16;
          } else if (symbol - 21 < 14) left = 1;
        }
      }
      if (kind == IMMEDIATE && left == 0) kind = OPCODE;
    } else if (kind == LOCAL) {
      const local = localOf(symbol, fresh);
      fresh = max(fresh, local + 1);
      to = putNumber(to, local);
      kind = OPCODE;
    } else if (kind == DECLARATION && place == 0) {
      if (symbol == NO_FUNCTION) {
        kind = CONSTANT;
        left = -1;
      } else {
        start = to;
        depth = 0;
        store<u8>(to, symbol, 3);
        to += 4;
        left = symbol << 1;
        if (left == 0) kind = OPCODE;
      }
    } else if (kind == IMMEDIATE && place == 0 && opcode == BRANCH_TABLE) {
      to = putNumber(to, symbol);
      left = symbol + 1;
    } else {
      store<u8>(to++, symbol);
      if (kind == IMMEDIATE && place == 0 && opcode == BULK && symbol >= 10) left = 13 - symbol;
      if ((kind != IMMEDIATE || symbol < 128) && --left == 0) {
        if (start) kind = OPCODE;
        else begins = true;
        if (opcode == 256 + SPLAT4) {
          v128.store(to - 4, v128.load32_splat(to - 4));
          to += 12;
        } else if (opcode == 256 + SPLAT8) {
          v128.store(to - 8, v128.load64_splat(to - 8));
          to += 8;
        }
      }
    }
    place++;
    if (begins) {
      kind = DECLARATION;
      place = 0;
      fresh = 0;
      for (let local: usize = 0; local < 256; local++) store<u8>(LATEST + local, local);
    }
  }
}
