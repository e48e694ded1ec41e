/**
 * One linear memory and its one allocator. Blocks are 64-byte aligned; free ones are kept in
 * address order and merge with their neighbours; the memory grows only when no free block is large
 * enough.
 *
 *     0 … base | block | block | free | block | … bytes()
 */
export interface LinearMemoryHost {
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
  readonly #free: Block[] = [];
  readonly #taken = new Map<number, number>();
  /** End of the highest block ever placed. */
  #top: number;
  #live = 0;
  #views: Views | undefined;

  constructor(host: LinearMemoryHost, base: number) {
    this.#host = host;
    this.#top = align(base);
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
    const buffer = this.#host.buffer();
    if (this.#views?.u8.buffer !== buffer) {
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
    return this.#views as Views;
  }

  /**
   * The address of a new block. Throws a RangeError, with nothing changed, when the memory cannot
   * grow enough.
   */
  allocate(wanted: number): number {
    const bytes = Math.max(align(wanted), ALIGNMENT);
    let best = -1;
    for (const [index, block] of this.#free.entries())
      if (block.bytes >= bytes && (best < 0 || block.bytes < (this.#free[best] as Block).bytes))
        best = index;
    if (best >= 0) {
      const block = this.#free[best] as Block;
      const address = block.address;
      if (block.bytes === bytes) this.#free.splice(best, 1);
      else {
        block.address += bytes;
        block.bytes -= bytes;
      }
      return this.#take(address, bytes);
    }
    const last = this.#free[this.#free.length - 1];
    const extends_ = last !== undefined && last.address + last.bytes === this.#top;
    const address = extends_ ? last.address : this.#top;
    if (address + bytes > this.bytes && !this.#grow(address + bytes))
      throw new RangeError(
        `memory: cannot grow: got a request for ${wanted} bytes with ${this.#live} live, ` +
          `expected at most ${this.#host.limit} in all`,
      );
    if (extends_) this.#free.pop();
    this.#top = address + bytes;
    return this.#take(address, bytes);
  }

  /** Gives a block back. */
  free(address: number): void {
    const bytes = this.#taken.get(address);
    if (bytes === undefined) throw new Error(`memory: no block at ${address}: expected a live one`);
    this.#taken.delete(address);
    this.#live -= bytes;
    let at = this.#free.findIndex((block) => block.address > address);
    if (at < 0) at = this.#free.length;
    this.#free.splice(at, 0, { address, bytes });
    this.#merge(at);
    if (at > 0) this.#merge(at - 1);
  }

  #take(address: number, bytes: number): number {
    this.#taken.set(address, bytes);
    this.#live += bytes;
    return address;
  }

  #grow(bytes: number): boolean {
    return bytes <= this.#host.limit && this.#host.grow(bytes);
  }

  #merge(at: number): void {
    const block = this.#free[at];
    const next = this.#free[at + 1];
    if (!block || !next || block.address + block.bytes !== next.address) return;
    block.bytes += next.bytes;
    this.#free.splice(at + 1, 1);
  }
}
