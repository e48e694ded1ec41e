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
const SYMBOLS: u32 = 260;

const SPLAT4: u32 = 256;
const KNOWN: u32 = 258;
const REPEAT: u32 = 259;
/** The fewest bytes that are repeated. */
const REPEATED: usize = 48;

/** The characters before a second one, and the first that is alone. */
const PREFIX: usize = 32;
const FIRST: usize = 34;

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
  // No symbol of one character.
  for (let code = PREFIX; code < FIRST; code++) store<u16>(code << 1, SYMBOLS);
}

/** Where the text goes on, for what is not frequent. */
let next: usize = 0;

/** The next symbol, of one character or two. */
function readSymbol(): u32 {
  const code: usize = load<u8>(next++);
  if (code >= FIRST) return load<u16>(code << 1);
  return load<u16>(((code - PREFIX + 1) * GROUP + load<u8>(next++)) << 1);
}

/** Writes a constant that repeats, new or known; returns where the new ones go on. */
function writeConstant(to: usize, symbol: u32, constants: usize): usize {
  store<u16>(to, 0x0cfd);
  if (symbol == KNOWN) {
    const from: usize = load<u32>(CONSTANTS + (<usize>readSymbol() << 2));
    v128.store(to, v128.load(from, 2), 2);
    return constants;
  }
  store<u32>(constants, <u32>to);
  const count: usize = symbol == SPLAT4 ? 4 : 8;
  for (let i: usize = 2; i < 2 + count; i++) store<u8>(to + i, readSymbol());
  v128.store(to, count == 4 ? v128.load32_splat(to, 2) : v128.load64_splat(to, 2), 2);
  return constants + 4;
}

/** The bytes of the text from `text` to `end`, written from `end` on. */
export function unpack(text: usize, end: usize): void {
  readTable(text);
  let to = end;
  let constants = CONSTANTS;
  let at = text + (CHARACTERS << 1);
  while (at < end) {
    // Nearly all: without a call, and in locals, of which the first compiler makes registers.
    const frequent: u32 = load<u16>(<usize>load<u8>(at) << 1);
    if (frequent < SPLAT4) {
      store<u8>(to++, frequent);
      at++;
      continue;
    }
    next = at;
    const symbol = readSymbol();
    if (symbol < SPLAT4) store<u8>(to++, symbol);
    else if (symbol == REPEAT) {
      const length = REPEATED + readSymbol();
      const distance = readSymbol() | (readSymbol() << 8) | (readSymbol() << 16);
      memory.copy(to, to - distance, length);
      to += length;
    } else {
      constants = writeConstant(to, symbol, constants);
      to += 18;
    }
    at = next;
  }
}
