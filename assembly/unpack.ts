/**
 * Makes bytes of the text in which the other kernels are embedded, a module of its own:
 * `scripts/embedKernels.mjs` describes the text. A loop in JavaScript runs once, before any compiler
 * has looked at it, and takes twenty times as long.
 *
 *     0 … symbols, u16 each, of three groups of 128 characters
 *     CONSTANTS … the places of those seen, u32 each
 */
const GROUP: usize = 128;
const CONSTANTS: usize = 2 * 3 * GROUP;
/** The characters that may be alone; each stands for two more symbols after either of two others. */
const CHARACTERS: u32 = 90;
const SYMBOLS: u32 = 259;

const SPLAT4: u32 = 256;
const KNOWN: u32 = 258;

/** Where the symbol of rank `rank` is kept: characters go on from `#`, without `<` and `\`. */
function placeOf(rank: u32): usize {
  const group: usize = rank / CHARACTERS;
  let code: usize = 35 + (rank % CHARACTERS);
  if (code >= 60) code++;
  if (code >= 92) code++;
  return (group * GROUP + code) << 1;
}

function digit(at: usize): u32 {
  const code: u32 = load<u8>(at);
  return code < 58 ? code - 48 : code - 87;
}

/** The symbols at their places: those of the header, then the others, ascending. */
function readTable(text: usize): void {
  for (let rank: u32 = 0; rank < CHARACTERS; rank++, text += 2) {
    const symbol = digit(text) * 36 + digit(text + 1);
    store<u16>(placeOf(rank), symbol);
    // Marked where constants go later.
    store<u8>(CONSTANTS + symbol, 1);
  }
  let rank = CHARACTERS;
  for (let symbol: u32 = 0; symbol < SYMBOLS; symbol++) {
    if (!load<u8>(CONSTANTS + symbol)) store<u16>(placeOf(rank++), symbol);
  }
}

/** Where the text goes on. */
let next: usize = 0;

// @ts-ignore: decorator
@inline
function readSymbol(): u32 {
  const code: usize = load<u8>(next++);
  if (code >= 34) return load<u16>(code << 1);
  return load<u16>(((code - 31) * GROUP + load<u8>(next++)) << 1);
}

/** Writes a constant of which the first `count` symbols repeat. */
function writeSplat(to: usize, count: usize): void {
  store<u16>(to, 0x0cfd);
  to += 2;
  for (let i: usize = 0; i < count; i++) store<u8>(to + i, readSymbol());
  v128.store(to, count == 4 ? v128.load32_splat(to) : v128.load64_splat(to));
}

/** The bytes of the text from `text` to `end`, written from `end` on. */
export function unpack(text: usize, end: usize): void {
  readTable(text);
  let to = end;
  let constants = CONSTANTS;
  next = text + (CHARACTERS << 1);
  while (next < end) {
    const symbol = readSymbol();
    if (symbol < SPLAT4) {
      store<u8>(to++, symbol);
      continue;
    }
    if (symbol == KNOWN) {
      const from: usize = load<u32>(CONSTANTS + (<usize>readSymbol() << 2));
      store<u16>(to, 0x0cfd);
      v128.store(to, v128.load(from, 2), 2);
    } else {
      store<u32>(constants, <u32>to);
      constants += 4;
      writeSplat(to, symbol == SPLAT4 ? 4 : 8);
    }
    to += 18;
  }
}
