import { grouped } from "../../grouped.js";
import type { Plan } from "../../plan/plan.js";
import type { MemoryChart } from "./charts.js";

/** The arena of a plan, address by instruction. */
export function memoryChart({ segments, instructions, peakBytes, liveBytes }: Plan): MemoryChart {
  const areas = segments
    .filter(({ bytes }) => bytes > 0)
    .map(({ begin, bytes, first, last }) => ({
      begin,
      bytes,
      first,
      last,
      name: first < 0 ? "input" : (instructions[first]?.node.op.name ?? "output"),
    }))
    .sort((a, b) => a.begin - b.begin || a.first - b.first);
  return {
    kind: "memory",
    title: "Memory of a step",
    caption:
      `Which bytes of the arena hold something during which instruction. The plan needs ` +
      `${grouped(peakBytes)} bytes; at one instruction ${grouped(liveBytes)} of them are alive, ` +
      "and no plan of these instructions could do with less.",
    bytes: peakBytes,
    instructions: instructions.length,
    areas,
  };
}
