// Contexts in groups that share a prefix code: fewer codes have to be said, contexts that are alike
// lose little.

import { codeSizes } from "./prefixCodes.mjs";

/** Bits that a symbol of a code takes to say, and a code beside them, about. */
const SYMBOL = 4.2;
const CODE = 12;
/** So many of the most frequent contexts are groups to begin with. */
const FIRST = 48;
const ROUNDS = 4;

/** Bits of symbols that come so often, by Huffman's code, with the code itself. */
function costOf(counts) {
  const leaves = [...counts.values()].sort((a, b) => a - b);
  const nodes = [];
  let bits = SYMBOL * leaves.length + CODE;
  let leaf = 0;
  let node = 0;
  const take = () =>
    node >= nodes.length || leaves[leaf] <= nodes[node] ? leaves[leaf++] : nodes[node++];
  for (let left = leaves.length; left > 1; left--) {
    nodes.push(take() + take());
    bits += nodes.at(-1);
  }
  return bits;
}

function sum(a, b) {
  const counts = new Map(a);
  for (const [symbol, count] of b) counts.set(symbol, (counts.get(symbol) ?? 0) + count);
  return counts;
}

const best = (list, cost) => {
  const costs = list.map(cost);
  return list[costs.indexOf(Math.min(...costs))];
};

/** The two groups that lose least by becoming one do, until there are so many. */
function merge(groups, count) {
  const losses = new Map();
  const lossOf = (a, b) => {
    if (!losses.has(a)) losses.set(a, new Map());
    const known = losses.get(a);
    if (!known.has(b)) known.set(b, costOf(sum(a, b)) - costOf(a) - costOf(b));
    return known.get(b);
  };
  let left = groups;
  while (left.length > count) {
    const pairs = left.flatMap((a, at) => left.slice(at + 1).map((b) => [a, b]));
    const pair = best(pairs, ([a, b]) => lossOf(a, b));
    left = [...left.filter((one) => !pair.includes(one)), sum(...pair)];
  }
  return left;
}

/** Context → how often each symbol comes; as many groups, and the group of each context. */
export function groupContexts(contexts, count) {
  const sorted = [...contexts.values()].sort((a, b) => b.size - a.size);
  let groups = merge(sorted.slice(0, FIRST), count);
  const groupOf = new Map();
  for (let round = 0; round < ROUNDS; round++) {
    const sizes = groups.map((counts) => codeSizes(counts));
    const bits = (counts, group) =>
      [...counts].reduce(
        (all, [symbol, times]) => all + times * (sizes[group].get(symbol) ?? 16),
        0,
      );
    const indices = [...groups.keys()];
    groups = groups.map(() => new Map());
    for (const [context, counts] of contexts) {
      const group = best(indices, (one) => bits(counts, one));
      groupOf.set(context, group);
      groups[group] = sum(groups[group], counts);
    }
  }
  return { groups, groupOf };
}
