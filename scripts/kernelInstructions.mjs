// A module of kernels as strings of bytes, one for each instruction, which scripts/packInstructions.mjs
// packs and assembly/unpack.ts makes bytes of again:
//
//     BYTES and bytes                  what comes before the code, and after it
//     FUNCTION, locals, declarations   begins a function that has so many locals but vectors
//     local.get, .set or .tee, rank    a local; with 128 added, a vector that is no parameter
//     any other instruction            v128.const of what repeats 4 or 8 bytes: these
//
// Left out, since it follows from the rest, is how long a function is. Locals are numbered in the order
// of their first use, vectors last, and stand in two lists, the latest used first: 0 is the first not
// used before, else 1 + its place there. Code that does the same to other locals thus is the same
// strings. Of every load and store the alignment, which is a hint, is 0.

const BYTES = 0xfe;
const FUNCTION = 0xff;
const CODE = 10;
const VECTOR = 123;
/** SIMD, and after it v128.const and i8x16.shuffle. */
const SIMD = 0xfd;
const CONSTANTS = [12, 13];
const BULK = 0xfc;
const CALL_INDIRECT = 0x11;
const BRANCH_TABLE = 0x0e;

const isMemory = (opcode) => opcode >= 0x28 && opcode <= 0x3e;
const isLocal = (opcode) => opcode >= 0x20 && opcode <= 0x22;
const isVectorMemory = (number) => number <= 11 || (number >= 84 && number <= 93);
/** Whether a lane follows, after the offset in memory if there is one. */
const hasLane = (number) => (number >= 21 && number <= 34) || (number >= 84 && number <= 91);
/** block, loop, if, br, br_if, call, global.get, global.set, i32.const, i64.const, memory sizes. */
const NUMBERED = new Set([2, 3, 4, 0x0c, 0x0d, 0x10, 0x23, 0x24, 0x3f, 0x40, 0x41, 0x42]);
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

/** Of bytes that repeat 4 or 8, these. */
function shortest(bytes) {
  const size = [4, 8].find((size) => bytes.every((byte, at) => byte === bytes[at % size]));
  return bytes.slice(0, size);
}

/** `{ opcode, local }`, or the bytes `{ string }`. */
function readInstruction(read) {
  const opcode = read.byte();
  if (isLocal(opcode)) return { opcode, local: read.number() };
  if (opcode === SIMD) {
    const number = read.number();
    const string = [SIMD, ...coded(number)];
    if (CONSTANTS.includes(number)) {
      const bytes = read.bytes(16);
      return { string: [...string, ...(number === CONSTANTS[0] ? shortest(bytes) : bytes)] };
    }
    if (isVectorMemory(number)) {
      read.number();
      string.push(0, ...read.coded());
    }
    return { string: [...string, ...read.bytes(hasLane(number) ? 1 : 0)] };
  }
  if (isMemory(opcode)) {
    read.number();
    return { string: [opcode, 0, ...read.coded()] };
  }
  if (opcode === 0x43 || opcode === 0x44)
    return { string: [opcode, ...read.bytes(opcode === 0x43 ? 4 : 8)] };
  if (opcode === BULK) {
    const number = read.byte();
    return { string: [opcode, number, ...read.bytes(BULK_BYTES.get(number) ?? 0)] };
  }
  if (opcode === BRANCH_TABLE) {
    const targets = read.number();
    const follow = Array.from({ length: targets + 1 }, () => read.coded()).flat();
    return { string: [opcode, ...coded(targets), ...follow] };
  }
  if (opcode === CALL_INDIRECT) return { string: [opcode, ...read.coded(), ...read.coded()] };
  return { string: [opcode, ...(NUMBERED.has(opcode) ? read.coded() : [])] };
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

/**
 * A function with its locals in the order of their first use, vectors after all others; `base` is the
 * number of these others, parameters among them.
 */
function renumbered(parameters, types, instructions) {
  const used = [...new Set(instructions.flatMap(({ local }) => local ?? []))];
  const own = used.filter((local) => local >= parameters);
  const isVector = (local) => types[local - parameters] === VECTOR;
  const order = [...own.filter((local) => !isVector(local)), ...own.filter(isVector)];
  const numbers = new Map(order.map((local, at) => [local, parameters + at]));
  const groups = [];
  for (const type of order.map((local) => types[local - parameters]))
    if (groups.at(-1)?.type === type && groups.at(-1).count < 127) groups.at(-1).count++;
    else groups.push({ count: 1, type });
  return {
    base: parameters + own.filter((local) => !isVector(local)).length,
    declarations: [groups.length, ...groups.flatMap(({ count, type }) => [count, type])],
    instructions: instructions.map((one) =>
      one.string ? one : { ...one, local: numbers.get(one.local) ?? one.local },
    ),
  };
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

function bytesOfInstruction({ opcode, local, string }) {
  if (!string) return [opcode, ...coded(local)];
  if (string[0] !== SIMD || string[1] !== CONSTANTS[0]) return string;
  const constant = string.slice(2);
  return [
    ...string.slice(0, 2),
    ...Array.from({ length: 16 / constant.length }, () => constant).flat(),
  ];
}

/** Three bytes, so that they can be written when the function has ended. */
const sized = (size) => [(size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14];

function bytesOfFunction({ declarations, instructions }) {
  const body = [...declarations, ...instructions.flatMap(bytesOfInstruction)];
  return [...sized(body.length), ...body];
}

function stringsOfFunction({ base, declarations, instructions }) {
  const lists = [0, base].map((first) => ({
    first,
    fresh: 0,
    latest: Array.from({ length: 128 }, (_, at) => first + at),
  }));
  const body = instructions.map(({ opcode, local, string }) => {
    if (string) return string;
    const which = local < base ? 0 : 1;
    const list = lists[which];
    const at = local - list.first;
    const place = list.latest.indexOf(local);
    if (place < 0 || place > 126)
      throw new Error(`kernels: too many locals in use: got ${at + 1}, expected 126 at most`);
    const rank = at === list.fresh ? 0 : place + 1;
    list.latest.splice(place, 1);
    list.latest.unshift(local);
    list.fresh = Math.max(list.fresh, at + 1);
    return [opcode, 128 * which + rank];
  });
  return [[FUNCTION, base, ...declarations], ...body];
}

/** The bytes of a module in the form that its strings stand for, and these. */
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
    strings: [
      [BYTES, ...header],
      ...functions.flatMap(stringsOfFunction),
      ...(rest.length > 0 ? [[BYTES, ...rest]] : []),
    ],
  };
}
