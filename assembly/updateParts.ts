import { increment } from "./move";
import { adam, sgd, sgdMomentum } from "./update";

/**
 * Updates of many Parameters as one instruction: the operands are the outputs of every part, then
 * the inputs of every part.
 *
 *     [ opcode | length | outputs of part 0 | … of part k | inputs of part 0 | … of part k ]
 *
 * `at` is the address of the instruction; the number of parts follows from its length.
 */

// @ts-ignore: decorator
@inline
function partsOf(at: usize, words: u32): u32 {
  return (load<u32>(at, 4) - 2) / words;
}

// @ts-ignore: decorator
@inline
function word(inputs: usize, index: usize): u32 {
  return load<u32>(inputs + (index << 2));
}

export function sgdParts(at: usize): void {
  const parts = partsOf(at, 5);
  let outputs = at + 8;
  let inputs = outputs + (parts << 2);
  for (let part: u32 = 0; part < parts; part++, outputs += 4, inputs += 16)
    sgd(word(outputs, 0), word(inputs, 0), word(inputs, 1), word(inputs, 2), word(inputs, 3));
}

export function sgdMomentumParts(at: usize): void {
  const parts = partsOf(at, 8);
  let outputs = at + 8;
  let inputs = outputs + (parts << 3);
  for (let part: u32 = 0; part < parts; part++, outputs += 8, inputs += 24)
    sgdMomentum(
      word(outputs, 0), word(outputs, 1), word(inputs, 0), word(inputs, 1), word(inputs, 2),
      word(inputs, 3), word(inputs, 4), word(inputs, 5),
    );
}

export function adamParts(at: usize): void {
  const parts = partsOf(at, 10);
  let outputs = at + 8;
  let inputs = outputs + parts * 12;
  for (let part: u32 = 0; part < parts; part++, outputs += 12, inputs += 28)
    adam(
      word(outputs, 0), word(outputs, 1), word(outputs, 2), word(inputs, 0), word(inputs, 1),
      word(inputs, 2), word(inputs, 3), word(inputs, 4), word(inputs, 5), word(inputs, 6),
    );
}

export function incrementParts(at: usize): void {
  const parts = partsOf(at, 3);
  let outputs = at + 8;
  let inputs = outputs + (parts << 2);
  for (let part: u32 = 0; part < parts; part++, outputs += 4, inputs += 8)
    increment(word(outputs, 0), word(inputs, 0), word(inputs, 1));
}
