// Packs symbols (scripts/kernelSymbols.mjs) into text: what came before is named by where, and all
// is written as bits, each with the probability that it has had where the same is known, by a range
// coder (G. N. N. Martin 1979; LZMA's, I. Pavlov 1998, with digits of 6 bits). 64 printable
// characters, none of which strings escape: gzip leaves them at 6 bits each. assembly/unpack.ts
// reads it and describes the bits.

/** Slots of the bits, as in assembly/unpack.ts. */
const AGAIN = 32;
const HEADER = 1024;
const LENGTH = 2048;
const LENGTH_AGAIN = 3072;
const RANK = 4096;
const RANK_SHORT = 5120;
const SYMBOL = 8192;
const SYMBOL_MASK = 0xffff;
const SLOTS = SYMBOL + SYMBOL_MASK + 1 + 512;
const HEADS = 1 << 14;

/** Of a token: a symbol, what has been there, and what goes on from where the last one went. */
const LITERAL = 0;
const MATCH = 1;
const MATCH_AGAIN = 2;

/** How often a bit has been seen, at most, when its probability changes. */
const SEEN = 30;
const PASSES = 10;
/** Numbers of eight bits. */
const MOST_RANK = 255;
const MOST_LENGTH = 255;
/** Of a longer match, no shorter part is tried. */
const PARTS = 40;

const slotOf = ({ kind, opcode, place }) =>
  SYMBOL + (((kind === 0 ? opcode : 512 + 4 * opcode + (place & 3)) * 293) & SYMBOL_MASK);
const headOf = ({ kind, opcode, previous }) =>
  ((8 * opcode + kind) * 97 + previous * 2521) & (HEADS - 1);
const flagSlot = (last, { kind }) => 8 * last + kind + 1;
/** Opcodes have nine bits; no function reaches back over more than 126 locals. */
const bitsOf = ({ kind }) => [9, 7, 8, 8, 8][kind];
const rankSlot = (length) => (length > 2 ? RANK : RANK_SHORT);

/** The probabilities of bits: of 1, in 1 / 65536, and how often each was seen. */
class Bits {
  chances = new Uint16Array(SLOTS).fill(0x8000);
  seen = new Uint8Array(SLOTS);

  chance(slot) {
    return this.chances[slot] | 32;
  }

  cost(slot, bit) {
    const chance = this.chance(slot);
    return -Math.log2((bit ? chance : 65536 - chance) / 65536);
  }

  update(slot, bit) {
    const rate = Math.floor(16384 / (this.seen[slot] + 2));
    this.chances[slot] += ((65536 * bit - this.chances[slot]) * rate) >> 14;
    if (this.seen[slot] < SEEN) this.seen[slot]++;
  }
}

/** Calls `take(slot, bit)` with the bits of a value, the highest first. */
function treeBits(slot, bits, value, take) {
  let node = 1;
  for (let shift = bits - 1; shift >= 0; shift--) {
    const bit = (value >> shift) & 1;
    take(slot + node, bit);
    node = 2 * node + bit;
  }
}

/** The same of a number from 1 to 255: how many bits follow its first, and these. */
function numberBits(slot, value, take) {
  const count = 31 - Math.clz32(value);
  treeBits(slot, 3, count, take);
  for (let left = count - 1; left >= 0; left--) {
    const known = value >> (left + 1);
    take(slot + 16 * (count + 1) + (known < 8 ? known : 8 + left), (value >> left) & 1);
  }
}

/** What costs the bits of `call`, without an update. */
function costOf(bits, call) {
  let sum = 0;
  call((slot, bit) => {
    sum += bits.cost(slot, bit);
  });
  return sum;
}

/**
 * Where the same symbols came before: of every place the earlier ones with the same two opcodes
 * before them, counted from the latest, that are longer than those of lower rank.
 */
function findMatches(symbols, ends) {
  const values = Uint16Array.from(symbols, ({ symbol }) => symbol);
  const heads = new Int32Array(HEADS).fill(-1);
  const links = new Int32Array(symbols.length);
  const lengthOf = (from, at, end) => {
    const most = Math.min(MOST_LENGTH, end - at);
    let length = 0;
    while (length < most && values[from + length] === values[at + length]) length++;
    return length;
  };
  const endOf = (at) => ends.find((end) => end > at);
  const matches = symbols.map((symbol, at) => {
    const head = headOf(symbol);
    const end = endOf(at);
    const found = [];
    let best = 0;
    let from = heads[head];
    for (let rank = 1; from >= 0 && rank <= MOST_RANK; rank++, from = links[from]) {
      if (values[from + best] !== values[at + best]) continue;
      const length = lengthOf(from, at, end);
      if (length <= best) continue;
      best = length;
      found.push({ length, rank, distance: at - from });
    }
    links[at] = heads[head];
    heads[head] = at;
    return found;
  });
  return { matches, again: (at, distance) => lengthOf(at - distance, at, endOf(at)) };
}

/** The cheapest tokens, by the costs of an earlier choice. */
function choose(symbols, { matches, again }, literals, bits) {
  const count = symbols.length;
  const costs = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY);
  const tokens = new Array(count + 1);
  const tables = [LENGTH, LENGTH_AGAIN].map((slot) =>
    Array.from({ length: MOST_LENGTH + 1 }, (_, length) =>
      length ? costOf(bits, (take) => numberBits(slot, length, take)) : 0,
    ),
  );
  const relax = (from, to, cost, token) => {
    if (cost >= costs[to]) return;
    costs[to] = cost;
    tokens[to] = { ...token, from };
  };
  costs[0] = 0;
  tokens[0] = { type: LITERAL, distance: 0 };
  for (let at = 0; at < count; at++) {
    const { type: last, distance } = tokens[at];
    const flag = flagSlot(last, symbols[at]);
    const literal = costs[at] + bits.cost(flag, 0) + literals[at];
    relax(at, at + 1, literal, { type: LITERAL, distance });
    const match = costs[at] + bits.cost(flag, 1);
    const most = distance ? again(at, distance) : 0;
    const repeated = match + bits.cost(AGAIN + flag, 1);
    for (let length = 1; length <= most; length++)
      if (length <= PARTS || length === most)
        relax(at, at + length, repeated + tables[1][length], { type: MATCH_AGAIN, distance });
    const other = match + bits.cost(AGAIN + flag, 0);
    let shortest = 1;
    for (const { length: longest, rank, distance } of matches[at]) {
      const ranks = [];
      for (let length = shortest; length <= longest; length++) {
        if (length > PARTS && length !== longest) continue;
        const slot = rankSlot(length);
        ranks[slot] ??= costOf(bits, (take) => numberBits(slot, rank, take));
        const cost = other + tables[0][length] + ranks[slot];
        relax(at, at + length, cost, { type: MATCH, distance, rank });
      }
      shortest = longest + 1;
    }
  }
  const chosen = [];
  for (let to = count; to > 0; to = tokens[to].from) chosen.push({ ...tokens[to], to });
  return chosen.reverse();
}

/** Calls `take` with the bits of all tokens, and `skip` with every symbol that is none of them. */
function tokenBits(symbols, headers, tokens, take, literal) {
  let last = LITERAL;
  for (const { type, from, to, rank } of tokens) {
    if (headers.has(from)) treeBits(HEADER, 10, headers.get(from), take);
    const flag = flagSlot(last, symbols[from]);
    take(flag, type === LITERAL ? 0 : 1);
    for (let at = from; at < to; at++) literal?.(at);
    if (type === LITERAL)
      treeBits(slotOf(symbols[from]), bitsOf(symbols[from]), symbols[from].symbol, take);
    else {
      take(AGAIN + flag, type === MATCH_AGAIN ? 1 : 0);
      const length = to - from;
      numberBits(type === MATCH_AGAIN ? LENGTH_AGAIN : LENGTH, length, take);
      if (type === MATCH) numberBits(rankSlot(length), rank, take);
    }
    last = type;
  }
}

/** The range coder: `low` and `range` have 48 bits, of which four digits at a time leave at the top. */
class RangeCoder {
  digits = [];
  low = 0;
  range = 2 ** 48;

  put(chance, bit) {
    const bound = Math.floor(this.range / 65536) * chance;
    if (bit) this.range = bound;
    else {
      this.low += bound;
      this.range -= bound;
    }
    if (this.range < 2 ** 24) {
      this.shift();
      this.range *= 2 ** 24;
    }
  }

  shift() {
    const top = Math.floor(this.low / 2 ** 24);
    for (const shift of [18, 12, 6, 0]) this.digits.push((top / 2 ** shift) & 63);
    // What is more than the digits hold is carried.
    for (let at = this.digits.length - 5, carry = top >= 2 ** 24; carry; at--) {
      carry = this.digits[at] === 63;
      this.digits[at] = (this.digits[at] + 1) & 63;
    }
    this.low = (this.low % 2 ** 24) * 2 ** 24;
  }

  finish() {
    this.shift();
    this.shift();
    // Without `\`.
    return String.fromCharCode(...this.digits.map((digit) => 61 + digit + (digit > 30 ? 1 : 0)));
  }
}

/** The text of several modules, one after the other. */
export function pack(modules) {
  const symbols = modules.flatMap(({ symbols }) => symbols);
  const headers = new Map();
  const ends = [];
  for (const { header, symbols } of modules) {
    headers.set(ends.at(-1) ?? 0, header);
    ends.push((ends.at(-1) ?? 0) + symbols.length);
  }
  const found = findMatches(symbols, ends);
  let bits = new Bits();
  let literals = new Float64Array(symbols.length).fill(6);
  let best = { cost: Number.POSITIVE_INFINITY, tokens: [] };
  for (let pass = 0; pass < PASSES; pass++) {
    const tokens = choose(symbols, found, literals, bits);
    bits = new Bits();
    literals = new Float64Array(symbols.length);
    let cost = 0;
    const update = (slot, bit) => {
      cost += bits.cost(slot, bit);
      bits.update(slot, bit);
    };
    tokenBits(symbols, headers, tokens, update, (at) => {
      const symbol = symbols[at];
      literals[at] = costOf(bits, (take) =>
        treeBits(slotOf(symbol), bitsOf(symbol), symbol.symbol, take),
      );
    });
    if (cost < best.cost) best = { cost, tokens };
  }
  const coder = new RangeCoder();
  bits = new Bits();
  tokenBits(symbols, headers, best.tokens, (slot, bit) => {
    coder.put(bits.chance(slot), bit);
    bits.update(slot, bit);
  });
  return coder.finish();
}
