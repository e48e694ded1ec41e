// Writes the WebAssembly kernels into a TypeScript module as text, so that importing the package
// needs no asset, no fetch and no file system. Printable ASCII, which no bundler has to escape; a
// frequent byte is one character, any other one two, so that gzip and brotli see the repeats of the
// bytes. assembly/unpack.ts reads it:
//
//     180 base-36 digits    the symbols of one character, two digits each
//     symbols               0 … 255 are bytes
//
// Half of the bytes of the kernels are constants of 16 bytes, most of which repeat 4 or 8. Those are
// SPLAT4 or SPLAT8 and these bytes where they are new, KNOWN and their number later. Bytes that have
// been there before, 48 or more, are REPEAT, how many more than 48, and how far back in three bytes:
// gzip looks back no further than 32 kB.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import binaryen from "assemblyscript/binaryen";

const SPLAT4 = 256;
const SPLAT8 = 257;
const KNOWN = 258;
const REPEAT = 259;
const SYMBOLS = 260;

/** The fewest bytes that are worth a REPEAT: fewer are better left to brotli. */
const REPEATED = 48;

/** Without `"` and `\`, which literals escape, and `<`, which begins tags and ends scripts. */
const ALPHABET = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).filter(
  (character) => !'"\\<'.includes(character),
);
const PREFIXES = ALPHABET.slice(0, 2);
const CHARACTERS = ALPHABET.slice(2);

/** Functions that are alike side by side, in reach of gzip, and no names of functions. */
function arranged(bytes) {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(binaryen.Features.All);
  module.runPasses(["reorder-functions-by-name", "strip-debug"]);
  return Buffer.from(module.emitBinary());
}

/** Finds what comes a second time: the longest of the latest places with the same bytes. */
function repeatsOf(bytes) {
  const places = new Map();
  const keyAt = (at) => bytes.toString("latin1", at, at + REPEATED);
  const lengthOf = (from, at) => {
    const most = Math.min(REPEATED + 255, at - from, bytes.length - at);
    let length = 0;
    while (length < most && bytes[from + length] === bytes[at + length]) length++;
    return length;
  };
  return {
    pass(at) {
      const key = keyAt(at);
      if (places.has(key)) places.get(key).push(at);
      else places.set(key, [at]);
    },
    find(at) {
      const found = (places.get(keyAt(at)) ?? []).slice(-64);
      const lengths = found.map((from) => ({ length: lengthOf(from, at), distance: at - from }));
      return lengths.reduce((a, b) => (b.length >= a.length ? b : a), { length: 0 });
    },
  };
}

function symbolsOf(bytes) {
  const symbols = [];
  const known = new Map();
  const repeats = repeatsOf(bytes);
  for (let at = 0, next = 0; at < bytes.length; at = next) {
    const { length, distance } = repeats.find(at);
    const constant =
      bytes[at] === 0xfd && bytes[at + 1] === 0x0c && bytes.subarray(at + 2, at + 18);
    const hex = constant && Buffer.from(constant).toString("hex");
    const size = [4, 8].find((size) => hex && hex === hex.slice(0, 2 * size).repeat(16 / size));
    if (length >= REPEATED) {
      next = at + length;
      symbols.push(
        REPEAT,
        length - REPEATED,
        distance & 255,
        (distance >> 8) & 255,
        distance >> 16,
      );
    } else if (size === undefined) {
      next = at + 1;
      symbols.push(bytes[at]);
    } else {
      next = at + 18;
      if (known.has(hex)) symbols.push(KNOWN, known.get(hex));
      else symbols.push(size === 4 ? SPLAT4 : SPLAT8, ...constant.subarray(0, size));
      // Their number is a byte.
      if (!known.has(hex) && known.size < 256) known.set(hex, known.size);
    }
    for (let passed = at; passed < next; passed++) repeats.pass(passed);
  }
  return symbols;
}

function encode(bytes) {
  const symbols = symbolsOf(bytes);
  const counts = new Uint32Array(SYMBOLS);
  for (const symbol of symbols) counts[symbol]++;
  const order = [...counts.keys()].sort((a, b) => counts[b] - counts[a]);
  const short = order.slice(0, CHARACTERS.length);
  const others = order.slice(CHARACTERS.length).sort((a, b) => a - b);
  const codes = [];
  for (const [index, symbol] of short.entries()) codes[symbol] = CHARACTERS[index];
  for (const [index, symbol] of others.entries()) {
    const { length } = CHARACTERS;
    codes[symbol] = PREFIXES[Math.floor(index / length)] + CHARACTERS[index % length];
  }
  const digits = short.map((symbol) => symbol.toString(36).padStart(2, "0"));
  return digits.join("") + symbols.map((symbol) => codes[symbol]).join("");
}

const embed = (build) => {
  const file = `build/kernels.${build}.wasm`;
  const bytes = arranged(readFileSync(file));
  writeFileSync(file, bytes);
  const text = JSON.stringify({ bytes: bytes.length, text: encode(bytes) });
  return `/** ${file} */\nexport const ${build} = ${text};\n`;
};
mkdirSync("src/generated", { recursive: true });
const unpack = readFileSync("build/kernels.unpack.wasm").toString("base64");
writeFileSync(
  "src/generated/kernels.ts",
  [...["simd", "relaxed"].map(embed), `export const unpack = "${unpack}";\n`].join(""),
);
