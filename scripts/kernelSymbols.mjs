// A module of kernels as the symbols that scripts/packSymbols.mjs packs and assembly/unpack.ts makes
// bytes of again. A symbol is an opcode (256 and more: one of SIMD), or a byte of what follows it.
// Left out, since it follows from the rest, is how long a function is and that of every load and
// store the alignment, which is a hint: 0. Locals are numbered in the order of their first use and
// stand in a list, the latest used first: 0 is the first not used before, else 1 + its place there.
// Code that does the same to other locals thus has the same symbols. Vectors that repeat 4 or 8 bytes
// are instructions of their own.

/** What a symbol is: `kind` in assembly/unpack.ts. */
const OPCODE = 0;
const LOCAL = 1;
const DECLARATION = 2;
const IMMEDIATE = 3;
const CONSTANT = 4;

const CODE = 10;
const SIMD = 256;
/** Numbers that no instruction has: for f32x4.relaxed_madd, whose own has nine bits, and splats. */
const UNUSED = 0xe2;
const SPLAT4 = SIMD + 0xa2;
const SPLAT8 = SIMD + 0xa5;
const RELAXED_MADD = 0x105;
/** In place of a number of declarations: no function follows. */
const NO_FUNCTION = 255;

const isMemory = (opcode) => opcode >= 0x28 && opcode <= 0x3e;
const isLocal = (opcode) => opcode >= 0x20 && opcode <= 0x22;
/** block, loop, if, br, br_if, call, global.get, global.set, i32.const, i64.const, memory sizes. */
const NUMBERED = new Set([2, 3, 4, 0x0c, 0x0d, 0x10, 0x23, 0x24, 0x3f, 0x40, 0x41, 0x42]);
const CALL_INDIRECT = 0x11;
const BRANCH_TABLE = 0x0e;
const BULK = 0xfc;
/** How many bytes follow the bulk instructions memory.copy and memory.fill. */
const BULK_BYTES = new Map([
  [10, 2],
  [11, 1],
]);

function reader(bytes, at) {
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  return {
    number,
    byte: () => bytes[at++],
    bytes(count) {
      at += count;
      return [...bytes.subarray(at - count, at)];
    },
    /** The bytes of a number, of either sign. */
    coded() {
      const from = at;
      while (bytes[at++] >= 128);
      return [...bytes.subarray(from, at)];
    },
    skip: (count) => {
      at += count;
    },
    at: () => at,
  };
}

const coded = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...coded(value >>> 7)]);

function constant(bytes) {
  const repeats = (size) => bytes.every((byte, index) => byte === bytes[index % size]);
  if (repeats(4)) return { opcode: SPLAT4, kind: CONSTANT, follow: bytes.slice(0, 4) };
  if (repeats(8)) return { opcode: SPLAT8, kind: CONSTANT, follow: bytes.slice(0, 8) };
  return { opcode: SIMD + 12, kind: CONSTANT, follow: bytes };
}

/** { opcode, local } or { opcode, kind, follow }, the symbols that follow it. */
function readInstruction(read) {
  const first = read.byte();
  if (first === 0xfd) {
    const number = read.number();
    const opcode = SIMD + (number === RELAXED_MADD ? UNUSED : number);
    if (opcode >= 2 * SIMD) throw new Error(`kernels: no symbol for the instruction fd ${number}`);
    if (number <= 11 || (number >= 84 && number <= 93)) {
      read.number();
      const lane = number < 92 && number >= 84;
      return { opcode, follow: [...read.coded(), ...read.bytes(lane ? 1 : 0)] };
    }
    if (number === 12) return constant(read.bytes(16));
    if (number === 13) return { opcode, kind: CONSTANT, follow: read.bytes(16) };
    return { opcode, follow: read.bytes(number >= 21 && number <= 34 ? 1 : 0) };
  }
  const opcode = first;
  if (isLocal(opcode)) return { opcode, local: read.number() };
  if (isMemory(opcode)) {
    read.number();
    return { opcode, follow: read.coded() };
  }
  if (opcode === 0x43 || opcode === 0x44)
    return { opcode, kind: CONSTANT, follow: read.bytes(opcode === 0x43 ? 4 : 8) };
  if (opcode === BULK) {
    const number = read.byte();
    return { opcode, follow: [number, ...read.bytes(BULK_BYTES.get(number) ?? 0)] };
  }
  if (opcode === BRANCH_TABLE) {
    const targets = read.number();
    const follow = Array.from({ length: targets + 1 }, () => read.coded()).flat();
    return { opcode, follow: [targets, ...follow] };
  }
  if (opcode === CALL_INDIRECT) return { opcode, follow: [...read.coded(), ...read.coded()] };
  return { opcode, follow: NUMBERED.has(opcode) ? read.coded() : [] };
}

/** The number of parameters of every function, and the sections before, in and after the code. */
function readSections(bytes) {
  const read = reader(bytes, 8);
  const types = [];
  const functions = [];
  while (read.at() < bytes.length) {
    const from = read.at();
    const id = read.byte();
    const end = read.number() + read.at();
    if (id === 1)
      for (let count = read.number(); count > 0; count--) {
        read.skip(1);
        types.push(read.number());
        read.skip(types.at(-1));
        read.skip(read.number());
      }
    if (id === 3)
      for (let count = read.number(); count > 0; count--) functions.push(types[read.number()]);
    if (id === CODE) {
      read.number();
      return { functions, before: [...bytes.subarray(0, from)], code: read, after: end };
    }
    read.skip(end - read.at());
  }
  throw new Error("kernels: a module without code");
}

/** Locals in the order of their first use. */
function renumbered(parameters, types, instructions) {
  const numbers = new Map();
  for (const { local } of instructions)
    if (local >= parameters && !numbers.has(local)) numbers.set(local, parameters + numbers.size);
  const declarations = [];
  for (const local of numbers.keys()) {
    const type = types[local - parameters];
    const last = declarations.at(-1);
    if (last?.type === type && last.count < 127) last.count++;
    else declarations.push({ count: 1, type });
  }
  const renamed = instructions.map((one) =>
    one.local === undefined ? one : { ...one, local: numbers.get(one.local) ?? one.local },
  );
  return { declarations, instructions: renamed };
}

function readFunction(read, parameters) {
  const end = read.number() + read.at();
  const types = [];
  for (let count = read.number(); count > 0; count--) {
    const locals = read.number();
    types.push(...new Array(locals).fill(read.byte()));
  }
  const instructions = [];
  while (read.at() < end) instructions.push(readInstruction(read));
  return renumbered(parameters, types, instructions);
}

function bytesOfInstruction({ opcode, local, follow }) {
  if (local !== undefined) return [opcode, ...coded(local)];
  if (opcode === SPLAT4) return [0xfd, 12, ...follow, ...follow, ...follow, ...follow];
  if (opcode === SPLAT8) return [0xfd, 12, ...follow, ...follow];
  const number = opcode - SIMD;
  if (number >= 0) {
    const code = [0xfd, ...coded(number === UNUSED ? RELAXED_MADD : number)];
    const aligned = number <= 11 || (number >= 84 && number <= 93);
    return [...code, ...(aligned ? [0] : []), ...follow];
  }
  if (isMemory(opcode)) return [opcode, 0, ...follow];
  if (opcode === BRANCH_TABLE) return [opcode, ...coded(follow[0]), ...follow.slice(1)];
  return [opcode, ...follow];
}

/** Three bytes, so that they can be written when the function has ended. */
const sized = (size) => [(size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14];

function bytesOfFunction({ declarations, instructions }) {
  const body = [
    declarations.length,
    ...declarations.flatMap(({ count, type }) => [count, type]),
    ...instructions.flatMap(bytesOfInstruction),
  ];
  return [...sized(body.length), ...body];
}

function symbolsOf(header, functions, rest) {
  const symbols = [];
  const put = (kind, symbol) => symbols.push({ kind, symbol });
  for (const byte of header) put(CONSTANT, byte);
  for (const { declarations, instructions } of functions) {
    put(DECLARATION, declarations.length);
    for (const { count, type } of declarations) {
      put(DECLARATION, count);
      put(DECLARATION, type);
    }
    const latest = Array.from({ length: 256 }, (_, index) => index);
    let fresh = 0;
    for (const { opcode, local, kind = IMMEDIATE, follow } of instructions) {
      put(OPCODE, opcode);
      if (local === undefined) for (const symbol of follow) put(kind, symbol);
      else {
        const rank = latest.indexOf(local);
        if (rank > 126) throw new Error(`kernels: too many locals in use: got ${rank + 1}`);
        put(LOCAL, local === fresh ? 0 : rank + 1);
        latest.splice(rank, 1);
        latest.unshift(local);
        fresh = Math.max(fresh, local + 1);
      }
    }
  }
  if (rest.length > 0) put(DECLARATION, NO_FUNCTION);
  for (const byte of rest) put(CONSTANT, byte);
  return symbols;
}

/**
 * The bytes of a module in the form that its symbols stand for, and these as `{ kind, symbol }`. The
 * first `header` of them are bytes.
 */
export function disassemble(bytes) {
  const { functions: parameters, before, code, after } = readSections(bytes);
  const functions = parameters.map((count) => readFunction(code, count));
  const bodies = functions.map(bytesOfFunction);
  const count = coded(functions.length);
  const size = bodies.reduce((sum, body) => sum + body.length, count.length);
  const header = [...before, CODE, ...coded(size), ...count];
  const rest = [...bytes.subarray(after)];
  return {
    bytes: Buffer.from([header, ...bodies, rest].flat()),
    header: header.length,
    symbols: symbolsOf(header, functions, rest),
  };
}
