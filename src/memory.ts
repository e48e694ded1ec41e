/**
 * One linear memory and its one allocator. Blocks are 64-byte aligned; free ones are kept in
 * address order and merge with their neighbours; the memory grows only when no free block is large
 * enough but the last, which has no end.
 *
 *     0 … base | block | block | free | block | free …
 */
interface LinearMemoryHost {
  /** The bytes as they are now; another object after growing, also where they are shared. */
  buffer(): ArrayBufferLike;
  /** Makes the memory at least this long; false when that cannot be had. */
  grow(bytes: number): boolean;
  /** The most bytes it can ever have. */
  readonly limit: number;
}

export interface Views {
  readonly u8: Uint8Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i32: Int32Array;
  /** The same words: those of a bool are 0 or 1. */
  readonly bool: Int32Array;
  readonly u32: Uint32Array;
}

const ALIGNMENT = 64;
const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

interface Block {
  address: number;
  bytes: number;
}

export class LinearMemory {
  readonly #host: LinearMemoryHost;
  /** In address order; the last one has no end. */
  readonly #free: Block[];
  readonly #taken = new Map<number, number>();
  #live = 0;
  #views: Views | undefined;

  constructor(host: LinearMemoryHost, base: number) {
    this.#host = host;
    this.#free = [{ address: align(base), bytes: Number.POSITIVE_INFINITY }];
  }

  /** Bytes in blocks now. */
  get liveBytes(): number {
    return this.#live;
  }

  /** Length of the memory now. */
  get bytes(): number {
    return this.#host.buffer().byteLength;
  }

  /** Typed views over the whole memory. Never keep them: growing replaces them. */
  get views(): Views {
    // Asking a memory for its buffer takes the engine longer than all else that is done for a view.
    if (!this.#views) {
      const buffer = this.#host.buffer();
      // A memory's length need not be a multiple of 8 in every host; whole elements only.
      const whole = buffer.byteLength >>> 3;
      this.#views = {
        u8: new Uint8Array(buffer),
        f32: new Float32Array(buffer, 0, whole * 2),
        f64: new Float64Array(buffer, 0, whole),
        i32: new Int32Array(buffer, 0, whole * 2),
        bool: new Int32Array(buffer, 0, whole * 2),
        u32: new Uint32Array(buffer, 0, whole * 2),
      };
    }
    return this.#views;
  }

  /**
   * The address of a new block. Throws a RangeError, with nothing changed, when the memory cannot
   * grow enough.
   */
  allocate(wanted: number): number {
    const bytes = Math.max(align(wanted), ALIGNMENT);
    // The smallest that is large enough, of equal ones the first.
    const block = this.#free.reduceRight((best, other) =>
      other.bytes >= bytes && other.bytes <= best.bytes ? other : best,
    );
    const { address } = block;
    const end = address + bytes;
    if (end > this.bytes) {
      if (end > this.#host.limit || !this.#host.grow(end))
        throw new RangeError(
          `memory: cannot grow: got a request for ${wanted} bytes with ${this.#live} live, ` +
            `expected at most ${this.#host.limit} in all`,
        );
      this.#views = undefined;
    }
    block.address = end;
    block.bytes -= bytes;
    if (block.bytes === 0) this.#free.splice(this.#free.indexOf(block), 1);
    this.#taken.set(address, bytes);
    this.#live += bytes;
    return address;
  }

  /** Gives a block back. */
  free(address: number): void {
    const bytes = this.#taken.get(address);
    if (bytes === undefined) throw new Error(`memory: no block at ${address}: expected a live one`);
    this.#taken.delete(address);
    this.#live -= bytes;
    const at = this.#free.findIndex((block) => block.address > address);
    this.#free.splice(at, 0, { address, bytes });
    this.#merge(at);
    if (at > 0) this.#merge(at - 1);
  }

  /** Makes a free block and the next one, where they touch, one. */
  #merge(at: number): void {
    const [block, next] = this.#free.slice(at) as [Block, Block];
    if (block.address + block.bytes !== next.address) return;
    block.bytes += next.bytes;
    this.#free.splice(at + 1, 1);
  }
}
