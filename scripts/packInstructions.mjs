// Packs modules, as scripts/kernelInstructions.mjs has them, into text; assembly/unpack.ts reads it.
//
// The modules are said as numbers: of their distinct strings, in the order of the bytes of these, or
// of how many that follow are as expected. What is expected comes after the last place with the same
// latest six classes, and goes on from there until it is wrong. The class of a string is its
// instruction without operands. The prefix code of a number depends on the class of the string before
// and on whether something is expected and has been right.
//
//     6 bits        how many tables there are
//     2 × 48 bits   GAPS and SIZES: how many bits the codes of symbols 0 … 11 have, 0 if they have none
//     per table     of each symbol, in their order: GAPS, how far it is from the one before, a number:
//                   how many bits it has, and these but the first; SIZES, how many bits its code has;
//                   GAPS, 0
//     11 bits       how many strings there are
//     per string    SHARED: how many bytes it begins with as the one before does; 15: it is that one
//                   with 1 added to the last byte
//         a number  LENGTHS: how many bytes follow, plus 1: its bits but one, and these
//         bytes     LETTERS, three tables more by first bytes from VECTOR on
//         choices   CONTEXTS: if its class is new, the table for what comes after it while nothing is
//                   expected, something is, and has been right
//     per module    until its bytes are complete, by the table of the context:
//         0                the expected string
//         1 + n            as many expected ones as SHORTEST - 1 and a number of n + 1 bits
//         NUMBERS + n      the nth string

import { groupContexts } from "./groupContexts.mjs";
import { codeSizes, codesOf, MOST_BITS, textOf } from "./prefixCodes.mjs";

const SHORTEST = 4;
const NUMBERS = 12;
const MOST_SAME = SHORTEST + 2 ** (NUMBERS - 1) - 2;
const PLACES = 16384;
const PRODUCT = 0x9e3779b97f4a7c15n;
/** What assembly/unpack.ts has room for. */
const MOST_STRINGS = 2 ** MOST_BITS - 1;
const MOST_BYTES = 65536;
const MOST = 131072;
/** Tables for the numbers of modules. */
const TABLES = 16;
const [GAPS, SIZES, SHARED, LENGTHS, LETTERS, CONTEXTS, FIRST] = [0, 1, 2, 3, 4, 8, 9];
/** First bytes of strings, and the class that comes before a module. */
const VECTOR = 0xfd;
const BYTES = 0xfe;

function classOf([first, second]) {
  if (first === VECTOR) return 256 + second;
  return first >= 0x20 && first <= 0x22 ? first + ((second >> 7) << 9) : first;
}

/** What modules are said with: symbols, the contexts that they are in, and bits of numbers. */
function choose(modules, classes) {
  const places = new Map();
  const history = [];
  const choices = [];
  for (const ids of modules) {
    let latest = BigInt(BYTES);
    let place = -1;
    let expects = 0;
    for (let at = 0; at < ids.length; ) {
      const before = Number(latest & 1023n);
      const hash = Number((((latest << 4n) * PRODUCT) >> 31n) & BigInt(PLACES - 1));
      if (expects === 0) {
        place = places.get(hash) ?? -1;
        if (place >= 0 && classes[history[place - 1]] === before) expects = 1;
      }
      places.set(hash, history.length);
      const context = 4 * before + expects;
      let same = 0;
      if (expects > 0)
        for (const end = history.length; at + same < ids.length && same < MOST_SAME; same++) {
          const from = place + same;
          if ((from < end ? history[from] : ids[at + from - end]) !== ids[at + same]) break;
        }
      if (same >= SHORTEST) {
        const size = 31 - Math.clz32(same - SHORTEST + 1);
        choices.push({ context, symbol: 1 + size, number: same - SHORTEST + 1 });
      } else if (same > 0) {
        choices.push({ context, symbol: 0 });
        same = 1;
      } else choices.push({ context, symbol: NUMBERS + ids[at] });
      expects = same > 0 ? 2 : 0;
      place += same;
      for (const end = at + Math.max(same, 1); at < end; at++) {
        history.push(ids[at]);
        latest = ((latest << 10n) | BigInt(classes[ids[at]])) & ((1n << 60n) - 1n);
      }
    }
  }
  if (history.length >= MOST)
    throw new Error(`kernels: too many strings: got ${history.length}, expected < ${MOST}`);
  return choices;
}

/** The distinct strings in their order, and the modules as their numbers. */
function numbered(modules) {
  const distinct = new Map(modules.flat().map((string) => [string.join(), string]));
  const strings = [...distinct.values()].sort((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const size = strings.flat().length;
  if (strings.length > MOST_STRINGS || size > MOST_BYTES)
    throw new Error(`kernels: too many strings: got ${strings.length} of ${size} bytes`);
  const numbers = new Map(strings.map((string, id) => [string.join(), id]));
  return { strings, ids: modules.map((module) => module.map((one) => numbers.get(one.join()))) };
}

/** A list of symbols of tables, `{ table, symbol }`, and of bits, `{ code, size }`. */
function makeList() {
  const list = [];
  const bits = (code, size) => list.push({ code, size });
  return {
    list,
    bits,
    put: (table, symbol) => list.push({ table, symbol }),
    /** The bits of a number ≥ 1 after its first. */
    rest: (number) => bits(number - 2 ** (31 - Math.clz32(number)), 31 - Math.clz32(number)),
  };
}

/** The table for bytes, by the first byte of the string, or of the one before. */
const lettersAfter = (first) => LETTERS + (Math.max(first, VECTOR - 1) & 3);

function putStrings(strings, choicesOf) {
  const { list, bits, put, rest } = makeList();
  bits(strings.length, MOST_BITS);
  const seen = new Set();
  let last = [];
  for (const string of strings) {
    const differs = string.findIndex((byte, at) => byte !== last[at]);
    const isNext =
      string.length === last.length &&
      differs === string.length - 1 &&
      string[differs] === last[differs] + 1;
    const shared = Math.min(differs, 14);
    put(SHARED, isNext ? 15 : shared);
    if (!isNext) {
      const number = string.length - shared + 1;
      put(LENGTHS, 31 - Math.clz32(number));
      rest(number);
      for (const [at, byte] of string.entries())
        if (at >= shared) put(lettersAfter((at > 0 ? string : last)[0] ?? 0), byte);
    }
    last = string;
    if (seen.has(classOf(string))) continue;
    seen.add(classOf(string));
    for (const choice of choicesOf(classOf(string))) put(CONTEXTS, choice);
  }
  return list;
}

/** How often each symbol comes, by what it belongs to. */
function countsBy(list, key) {
  const counts = new Map();
  for (const one of list) {
    if (one.symbol === undefined) continue;
    if (!counts.has(one[key])) counts.set(one[key], new Map());
    const own = counts.get(one[key]);
    own.set(one.symbol, (own.get(one.symbol) ?? 0) + 1);
  }
  return counts;
}

/** How many bits a table's symbols have: of the first tables, said in bits. */
function putTable(sizes, table) {
  const { list, bits, put, rest } = makeList();
  if (table <= SIZES) {
    for (let symbol = 0; symbol <= MOST_BITS; symbol++) bits(sizes.get(symbol) ?? 0, 4);
    return list;
  }
  let last = -1;
  for (const symbol of [...sizes.keys()].sort((a, b) => a - b)) {
    put(GAPS, 32 - Math.clz32(symbol - last));
    rest(symbol - last);
    put(SIZES, sizes.get(symbol));
    last = symbol;
  }
  put(GAPS, 0);
  return list;
}

/** The text of several modules, one after the other. */
export function pack(modules) {
  const { strings, ids } = numbered(modules);
  const choices = choose(ids, strings.map(classOf));
  const { groupOf } = groupContexts(countsBy(choices, "context"), TABLES);
  const body = makeList();
  for (const { context, symbol, number } of choices) {
    body.put(FIRST + groupOf.get(context), symbol);
    if (number) body.rest(number);
  }
  const choicesOf = (kind) => [0, 1, 2].map((expects) => groupOf.get(4 * kind + expects) ?? 0);
  const said = [...putStrings(strings, choicesOf), ...body.list];
  const sizesOf = (list) => {
    const counts = countsBy(list, "table");
    return (table) => codeSizes(counts.get(table) ?? new Map());
  };
  const sizes = Array.from({ length: FIRST + TABLES }, (_, table) => sizesOf(said)(table));
  const tables = sizes.flatMap((one, table) => (table > SIZES ? putTable(one, table) : []));
  for (const table of [GAPS, SIZES]) sizes[table] = sizesOf(tables)(table);
  const first = [GAPS, SIZES].flatMap((table) => putTable(sizes[table], table));
  const codes = sizes.map(codesOf);
  const all = [{ code: sizes.length, size: 6 }, ...first, ...tables, ...said];
  return textOf(
    all.map((one) => (one.symbol === undefined ? one : codes[one.table].get(one.symbol))),
  );
}
