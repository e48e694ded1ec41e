// Packs symbols (scripts/kernelSymbols.mjs) into text that gzip and brotli see the repeats of: tokens
// of one printable character where they are frequent, of two elsewhere, and nothing that literals
// escape. An opcode for a local and that local, one of the latest, are one token. What has been there
// before is REPEAT, how long it is and in three characters how far back: gzip looks back no further
// than 32 kB. assembly/unpack.ts reads it:
//
//     2 × 86 characters     the tokens of one character
//     per module            2 characters: how many symbols are its header; tokens

/** Tokens: symbols, REPEAT, and 32 locals for each of local.get, local.set, local.tee. */
const REPEAT = 512;
const LOCALS = 513;
const TOKENS = LOCALS + 3 * 32;
const LOCAL = 1;
const LOCAL_GET = 0x20;

/** Without `"` and `\`, which literals escape, and `<`, which begins tags and ends scripts. */
const ALPHABET = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).filter(
  (character) => !'"\\<'.includes(character),
);
const RADIX = ALPHABET.length;
/** As many first characters of two as the others need. */
const PREFIXES = 6;
const SHORT = RADIX - PREFIXES;

/** Shorter ones, of five characters here, are better left to gzip. */
const SHORTEST = 16;
const LONGEST = SHORTEST + RADIX - 1;
/** More would not fit between the tables and the text in assembly/unpack.ts. */
const MOST = 150_000;
/** How many places with the same beginning are looked at. */
const PLACES = 128;

const digits = (value, count) =>
  count === 0 ? "" : digits(Math.floor(value / RADIX), count - 1) + ALPHABET[value % RADIX];

function tokensOf(symbols) {
  const tokens = [];
  for (let at = 0; at < symbols.length; at++) {
    const { symbol } = symbols[at];
    const next = symbols[at + 1];
    if (next?.kind === LOCAL && next.symbol < 32) {
      tokens.push(LOCALS + 32 * (symbol - LOCAL_GET) + next.symbol);
      at++;
    } else tokens.push(symbol);
  }
  return tokens;
}

/** Tokens, some of them replaced by `{ length, distance }`; none reaches over one of the ends. */
function withRepeats(tokens, ends) {
  const places = new Map();
  const keyAt = (at) => tokens.slice(at, at + SHORTEST).join();
  const lengthOf = (from, at, end) => {
    const most = Math.min(LONGEST, end - at);
    let length = 0;
    while (length < most && tokens[from + length] === tokens[at + length]) length++;
    return length;
  };
  const result = [];
  for (let at = 0, next = 0; at < tokens.length; at = next) {
    const end = ends.find((one) => one > at);
    const found = (places.get(keyAt(at)) ?? []).slice(-PLACES);
    const best = found
      .map((from) => ({ length: lengthOf(from, at, end), distance: at - from }))
      .reduce((a, b) => (b.length >= a.length ? b : a), { length: 0 });
    next = at + (best.length >= SHORTEST ? best.length : 1);
    result.push(best.length >= SHORTEST ? best : tokens[at]);
    for (; at < next; at++) {
      const key = keyAt(at);
      if (places.has(key)) places.get(key).push(at);
      else places.set(key, [at]);
    }
  }
  return result;
}

/** The text of several modules, one after the other. */
export function pack(modules) {
  const parts = modules.map(({ symbols }) => tokensOf(symbols));
  let end = 0;
  const ends = parts.map(({ length }) => {
    end += length;
    return end;
  });
  if (end > MOST) throw new Error(`kernels: too many tokens: got ${end}, expected ${MOST} at most`);
  const packed = withRepeats(parts.flat(), ends);
  const counts = new Uint32Array(TOKENS);
  for (const token of packed) counts[token.length ? REPEAT : token]++;
  const order = [...counts.keys()].sort((a, b) => counts[b] - counts[a]);
  const short = order.slice(0, SHORT);
  const others = order.slice(SHORT).sort((a, b) => a - b);
  const codes = [];
  for (const [index, token] of short.entries()) codes[token] = ALPHABET[PREFIXES + index];
  for (const [index, token] of others.entries())
    codes[token] = ALPHABET[Math.floor(index / RADIX)] + ALPHABET[index % RADIX];
  let text = short.map((token) => digits(token, 2)).join("");
  let at = 0;
  let from = 0;
  for (const [module, { header }] of modules.entries()) {
    text += digits(header, 2);
    for (; from < ends[module]; at++) {
      const token = packed[at];
      from += token.length ?? 1;
      text += token.length
        ? codes[REPEAT] + digits(token.length - SHORTEST, 1) + digits(token.distance, 3)
        : codes[token];
    }
  }
  return text;
}
