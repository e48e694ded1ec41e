/**
 * Whether a function that is to be synchronous has returned a promise, which is an error. How the
 * promise ends is a consequence of that error, and not reported as well.
 */
export function isPromise(value: unknown): boolean {
  if (typeof (value as { then?: unknown } | null)?.then !== "function") return false;
  (value as PromiseLike<unknown>).then(undefined, () => undefined);
  return true;
}
