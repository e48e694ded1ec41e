function isPlain(value: unknown): value is Record<string, unknown> {
  if (value === null || typeof value !== "object") return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Maps the leaves, in order; arrays and plain objects keep their structure. */
export function mapTree(
  value: unknown,
  leaf: (value: unknown, path: string) => unknown,
  stop: (value: unknown) => boolean = () => false,
  path = "",
): unknown {
  if (stop(value)) return leaf(value, path);
  if (Array.isArray(value))
    return value.map((item, index) => mapTree(item, leaf, stop, `${path}[${index}]`));
  if (!isPlain(value)) return leaf(value, path);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapTree(item, leaf, stop, `${path}.${key}`)]),
  );
}
