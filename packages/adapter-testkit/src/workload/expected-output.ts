/** Bytes that the workload `write10MiB` writes to its stdout. */
export const tenMebibytesLength = 10 * 1024 * 1024;

const lineBytes = 64;

/**
 * What `write10MiB` writes: 163,840 numbered lines of 64 bytes, so that a lost, doubled or moved byte shows, and where.
 * `<index in 8 digits> ` + 54 times `x` + line end.
 */
export function tenMebibytes(): string {
  if (cached === null) {
    const tail = ` ${'x'.repeat(lineBytes - 10)}\n`;
    cached = Array.from({ length: tenMebibytesLength / lineBytes }, (_, index) => String(index).padStart(8, '0') + tail).join('');
  }
  return cached;
}

/** Made once: the suite compares with it several times. */
let cached: string | null = null;

/** What `splitMultibyte` writes, one byte at a time: characters of one to four bytes. */
export const splitMultibyteText = 'aé€😀'.repeat(8) + '\n';
