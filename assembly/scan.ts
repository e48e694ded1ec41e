/** Running sums and positions of extrema (contract: `src/kernels.ts`): both walk in order. */

export function cumsum(
  out: usize, x: usize, outer: usize, n: usize, inner: usize, reverse: u32,
): void {
  const step = inner << 2;
  for (let o: usize = 0; o < outer; o++) {
    for (let k: usize = 0; k < inner; k++) {
      const start = (o * n * inner + k) << 2;
      let sum: f64 = 0;
      for (let i: usize = 0; i < n; i++) {
        const at = start + (reverse ? n - 1 - i : i) * step;
        const value = <f64>load<f32>(x + at);
        sum = i == 0 ? value : sum + value;
        store<f32>(out + at, <f32>sum);
      }
    }
  }
}

export function argmax(
  out: usize, x: usize, outer: usize, n: usize, inner: usize, least: u32,
): void {
  for (let o: usize = 0; o < outer; o++) {
    for (let k: usize = 0; k < inner; k++, out += 4) {
      const start = x + ((o * n * inner + k) << 2);
      let best = load<f32>(start);
      let place: usize = 0;
      for (let i: usize = 1; i < n && best == best; i++) {
        const value = load<f32>(start + ((i * inner) << 2));
        if (value != value || (least ? value < best : value > best)) {
          best = value;
          place = i;
        }
      }
      store<u32>(out, <u32>place);
    }
  }
}
