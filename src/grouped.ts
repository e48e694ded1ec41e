/** A count as it stands in messages: digits in groups of three, the same in every locale. */
export function grouped(count: number | bigint): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
