/**
 * Makes the kernels of the text in which they are embedded (`scripts/packSymbols.mjs`), a module of
 * its own: a loop in JavaScript runs once, before any compiler has looked at it, and takes twenty
 * times as long. The text has tokens of one character or two:
 *
 *     symbol                                  `scripts/kernelSymbols.mjs` describes them
 *     opcode and local                        the same of two symbols
 *     REPEAT length distance distance distance    those that came so far back, once more
 *
 * Memory:
 *
 *     SHORT    u16: tokens of one character; OTHERS: of two, in their order
 *     LATEST   the locals of a function, the latest used first
 *     HISTORY  the tokens of all modules, u16
 *     TEXT, and where it ends, the bytes
 */
const SHORT: usize = 0;
const OTHERS: usize = 1024;
const LATEST: usize = 4096;
const HISTORY: usize = 8192;
/** `src/wasm/embedded.ts` puts the text here. */
const TEXT: usize = 5 << 16;

/** As in `scripts/packSymbols.mjs`. */
const REPEAT: u32 = 512;
const LOCALS: u32 = 513;
const TOKENS: u32 = LOCALS + 96;
const RADIX: u32 = 92;
const PREFIXES: u32 = 6;
const SHORTEST: u32 = 16;

/** What a symbol is. */
const OPCODE: u32 = 0;
const LOCAL: u32 = 1;
const DECLARATION: u32 = 2;
const IMMEDIATE: u32 = 3;
const CONSTANT: u32 = 4;

const NO_FUNCTION: u32 = 255;
const LOCAL_GET: u32 = 0x20;
const BRANCH_TABLE: u32 = 0x0e;
const CALL_INDIRECT: u32 = 0x11;
const BULK: u32 = 0xfc;
/** Numbers of no SIMD instruction: for constants that repeat 4 or 8 bytes, and relaxed_madd. */
const SPLAT4: u32 = 0xa2;
const SPLAT8: u32 = 0xa5;
const RELAXED_MADD: u32 = 0xe2;
/** Opcodes below 64 that a number follows. */
const NUMBERED: u64 = 0xffff_ff18_0003_701c;

const LANES = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

let next: usize = TEXT;
/** The number of tokens so far. */
let count: usize = 0;

/** A number of so many characters. */
function number(characters: u32): u32 {
  let value: u32 = 0;
  for (; characters; characters--) {
    const c: u32 = load<u8>(next++);
    // Without `"`, `<` and `\`.
    value = value * RADIX + c - 32 - u32(c > 34) - u32(c > 60) - u32(c > 92);
  }
  return value;
}

/** The tokens that have one character; all others follow in their order, with two. */
function readTokens(): void {
  for (let at: usize = 0; at < RADIX - PREFIXES; at++) {
    const token = number(2);
    store<u16>(SHORT + (at << 1), token);
    store<u8>(HISTORY + token, 1);
  }
  let to = OTHERS;
  for (let token: usize = 0; token < TOKENS; token++) {
    if (load<u8>(HISTORY + token)) continue;
    store<u16>(to, token);
    to += 2;
  }
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

/** The local at a place of the list, which becomes the latest. */
function localAt(rank: usize): u32 {
  const local: u32 = load<u8>(LATEST + rank);
  if (rank < 16) {
    // Up to its place each lane takes the one before.
    const moved = i8x16.le_u(LANES, i8x16.splat(<i8>rank));
    const from = i8x16.replace_lane(i8x16.add(LANES, moved), 0, <i8>rank);
    v128.store(LATEST, i8x16.swizzle(v128.load(LATEST), from));
  } else {
    memory.copy(LATEST + 1, LATEST, rank);
    store<u8>(LATEST, local);
  }
  return local;
}

/** Writes the next module of the text, whose bytes are known, from `to` on. */
export function unpack(to: usize, bytes: usize): void {
  if (next == TEXT) readTokens();
  const end = to + bytes;
  // What the next symbol is, and how many of its kind there are; of a number, of its bytes the last.
  let kind = CONSTANT;
  let left = number(2);
  // The latest opcode, and how many symbols have come after it.
  let opcode: u32 = 0;
  let place: u32 = 0;
  // Where the function begins, how many blocks are open in it, and its first local not yet used.
  let start: usize = 0;
  let depth = 0;
  let fresh: u32 = 0;
  // What is left of a repeat, and how far back it lies.
  let length: u32 = 0;
  let distance: usize = 0;
  while (to < end) {
    let symbol: u32 = 0;
    if (length == 0) {
      const first = number(1);
      symbol = first < PREFIXES
        ? load<u16>(OTHERS + ((first * RADIX + number(1)) << 1))
        : load<u16>(SHORT + ((first - PREFIXES) << 1));
      if (symbol == REPEAT) {
        length = SHORTEST + number(1);
        distance = number(3) << 1;
      }
    }
    const at = HISTORY + (count << 1);
    if (length) {
      length--;
      symbol = load<u16>(at - distance);
    }
    store<u16>(at, symbol);
    count++;
    if (symbol >= LOCALS) {
      symbol -= LOCALS;
      store<u8>(to, LOCAL_GET + (symbol >> 5));
      symbol &= 31;
      // Those not used yet lie where they did at the beginning.
      const local = localAt(symbol ? symbol - 1 : fresh);
      fresh = max(fresh, local + 1);
      to = putNumber(to + 1, local);
      continue;
    }

    let begins = false;
    if (kind == OPCODE) {
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
      to = putNumber(to, localAt(symbol - 1));
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
      for (let at: usize = 0; at < 256; at += 16) {
        v128.store(LATEST + at, i8x16.add(LANES, i8x16.splat(<i8>at)));
      }
    }
  }
}
