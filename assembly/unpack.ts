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
  let rank = CHARACTERS;
  for (let symbol: u32 = 0; symbol < SYMBOLS; symbol++) {
    let place: usize = 0;
    for (let i: u32 = 0; i < CHARACTERS; i++) {
      const at = text + (i << 1);
      if (digit(at) * 36 + digit(at + 1) == symbol) place = placeOf(i);
    }
    store<u16>(place || placeOf(rank++), symbol);
  }
}

/** The bytes of the text from `text` to `end`, written from `end` on. */
export function unpack(text: usize, end: usize): void {
  readTable(text);
  let to = end;
  let group: usize = 0;
  let constants = CONSTANTS;
  let size: usize = 0;
  let left: usize = 0;
  let known = false;
  for (let at = text + (CHARACTERS << 1); at < end; at++) {
    const code: usize = load<u8>(at);
    if (code < 34) {
      group = (code - 31) * GROUP;
      continue;
    }
    const symbol: u32 = load<u16>((group + code) << 1);
    group = 0;
    if (symbol == KNOWN) {
      known = true;
    } else if (symbol >= SPLAT4) {
      store<u32>(constants, <u32>to);
      constants += 4;
      store<u16>(to, 0x0cfd);
      to += 2;
      size = symbol == SPLAT4 ? 4 : 8;
      left = size;
    } else if (known) {
      known = false;
      memory.copy(to, load<u32>(CONSTANTS + (symbol << 2)), 18);
      to += 18;
    } else {
      store<u8>(to++, symbol);
      if (left && --left == 0) {
        for (const whole = to + 16 - size; to < whole; to++) store<u8>(to, load<u8>(to - size));
      }
    }
  }
}
