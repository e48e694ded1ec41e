// Prefix codes of at most MOST_BITS bits, and text of bits.

export const MOST_BITS = 11;

/** How many bits each symbol has in the best code, from how often each comes; Map → Map. */
export function codeSizes(counts) {
  // Package-merge (Larmore and Hirschberg 1990).
  const leaves = [...counts]
    .map(([symbol, count]) => ({ count, symbols: [symbol] }))
    .sort((a, b) => a.count - b.count);
  if (leaves.length === 0) return new Map();
  if (leaves.length === 1) return new Map([[leaves[0].symbols[0], 1]]);
  let packages = [];
  for (let size = 0; size < MOST_BITS; size++) {
    const pairs = [];
    for (let at = 0; at + 1 < packages.length; at += 2) {
      const [a, b] = packages.slice(at, at + 2);
      pairs.push({ count: a.count + b.count, symbols: [...a.symbols, ...b.symbols] });
    }
    packages = [...leaves, ...pairs].sort((a, b) => a.count - b.count);
  }
  const sizes = new Map();
  for (const { symbols } of packages.slice(0, 2 * leaves.length - 2))
    for (const symbol of symbols) sizes.set(symbol, (sizes.get(symbol) ?? 0) + 1);
  return sizes;
}

/** Symbol → `{ code, size }`; shorter codes come first, and those of a size in their order. */
export function codesOf(sizes) {
  const sorted = [...sizes].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  let begin = 0;
  return new Map(
    sorted.map(([symbol, size]) => {
      const code = begin >> (MOST_BITS - size);
      begin += 1 << (MOST_BITS - size);
      return [symbol, { code, size }];
    }),
  );
}

/** 64 printable characters from `>` on, without `\`, which literals escape. */
const ALPHABET = Array.from({ length: 65 }, (_, at) => String.fromCharCode(62 + at)).filter(
  (character) => character !== "\\",
);

/** Bits `{ code, size }` as text of 6 bits a character, and of whole groups of four. */
export function textOf(bits) {
  let text = "";
  let read = 0;
  let left = 0;
  // Zeros: up to 23 bits are cut off, and the reader looks MOST_BITS ahead.
  const zeros = Array.from({ length: 4 }, () => ({ code: 0, size: MOST_BITS }));
  for (const { code, size } of [...bits, ...zeros]) {
    read = (read << size) | code;
    left += size;
    for (; left >= 6; left -= 6) text += ALPHABET[(read >> (left - 6)) & 63];
    read &= 63;
  }
  return text.slice(0, text.length - (text.length % 4));
}
