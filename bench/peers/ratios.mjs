/** From samples to figures: medians, quartiles, and ratios paired within a round. */

/** @param {readonly number[]} sorted ascending @param {number} q 0 … 1, linear in between */
export function quantile(sorted, q) {
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

const ascending = (numbers) => Float64Array.from(numbers).sort();
const median = (numbers) => quantile(ascending(numbers), 0.5);

/** @returns {{ p25: number, median: number, p75: number }} */
export function quartiles(numbers) {
  const sorted = ascending(numbers);
  return {
    p25: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    p75: quantile(sorted, 0.75),
  };
}

/**
 * How far results lie apart, relative to the largest expected one: the worst of all, and whether
 * it is within the tolerance. As many are compared as there are of both; NaN is never equal.
 */
export function agreement(values, expected, tolerance) {
  const count = Math.min(values.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs), Number.MIN_VALUE);
  let worst = count === 0 ? Number.NaN : 0;
  for (let at = 0; at < count; at++) {
    const apart = Math.abs(values[at] - expected[at]) / scale;
    if (!(apart <= worst)) worst = apart;
  }
  return { worst, equal: worst <= tolerance };
}

/**
 * Time of `entry` over time of `base`, the medians of each round that both took part in, as
 * quartiles over the rounds; for an entry that ran once, its time over the base's median. `best` is
 * of the fastest samples, free of disturbances. Above 1, `base` is faster.
 */
export function pairedRatio(entry, base) {
  if (entry.cannot || base.cannot || base.once) return undefined;
  const best = Math.min(...entry.samples.flat()) / Math.min(...base.samples.flat());
  if (entry.once) {
    const ratio = entry.samples[0][0] / median(base.samples.flat());
    return { p25: ratio, median: ratio, p75: ratio, best, rounds: 0 };
  }
  const places = new Map(base.rounds.map((round, at) => [round, at]));
  const ratios = entry.rounds.flatMap((round, at) => {
    const place = places.get(round);
    return place === undefined ? [] : [median(entry.samples[at]) / median(base.samples[place])];
  });
  return ratios.length === 0 ? undefined : { ...quartiles(ratios), best, rounds: ratios.length };
}

/** The figures of a measured workload; `bases` are names of entries. */
export function summarize({ entries, ...workload }, bases) {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const results = entries.map((entry) => {
    const { name, cannot, compared, worst, once, samples, rounds } = entry;
    if (cannot) return { name, cannot };
    const all = ascending(samples.flat());
    const ms = { min: all[0], ...quartiles(all) };
    const ratios = Object.fromEntries(
      bases
        .map((base) => [base, byName.get(base)])
        .filter(([base, found]) => found && base !== name)
        .map(([base, found]) => [base, pairedRatio(entry, found)])
        .filter(([, ratio]) => ratio),
    );
    const rate = workload.flops ? { gflops: workload.flops / ms.median / 1e6 } : {};
    return {
      name,
      compared,
      worst,
      ...(once ? { once } : {}),
      ms,
      ...rate,
      ratios,
      rounds,
      samples,
    };
  });
  return { ...workload, results };
}
