/** Larger texts are rare, and a buffer of theirs would lie here unused. */
const largestKeptBytes = 1024 * 1024;
const leastKeptBytes = 256 * 1024;
const keptBuffers = 4;
/** Below this Node cuts buffers from a block that it keeps anyway. */
const smallBytes = 4 * 1024;

const spare: Buffer[] = [];

/**
 * The buffer of one write, kept for later ones. Fresh memory of this size costs more than what is done with it: the
 * system hands it out page by page, each one cleared first.
 */
export interface BufferLease {
  /** Called at most once. At least so many bytes. */
  allocate(bytes: number): Buffer;
  /** The write is over: nothing reads the buffer any more. */
  release(): void;
}

export function leaseBuffer(): BufferLease {
  let leased: Buffer | null = null;
  return {
    allocate(bytes) {
      if (bytes < smallBytes) return Buffer.allocUnsafe(bytes);
      const place = spare.findIndex((buffer) => buffer.length >= bytes);
      const [kept] = place === -1 ? [] : spare.splice(place, 1);
      leased = kept ?? Buffer.allocUnsafeSlow(Math.max(bytes, leastKeptBytes));
      return leased;
    },
    release() {
      if (leased !== null && leased.length <= largestKeptBytes && spare.length < keptBuffers) spare.push(leased);
      leased = null;
    },
  };
}
