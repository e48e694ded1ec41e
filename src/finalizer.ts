type Finalizer<T> = Pick<FinalizationRegistry<T>, "register" | "unregister">;

const NEVER: Finalizer<unknown> = { register: () => {}, unregister: () => false };

/**
 * A FinalizationRegistry, or where the engine has none, as Cloudflare's with a compatibility date
 * before May 2025, one that never calls: what is dropped there without `dispose` stays taken.
 */
export function makeFinalizer<T>(clean: (held: T) => void): Finalizer<T> {
  return typeof FinalizationRegistry === "undefined" ? NEVER : new FinalizationRegistry(clean);
}
