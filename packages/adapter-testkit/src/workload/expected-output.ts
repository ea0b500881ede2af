/** Bytes that the workload `write10MiB` writes to its stdout. */
export const tenMebibytesLength = 10 * 1024 * 1024;

const lineBytes = 64;

/**
 * What `write10MiB` writes: 163,840 numbered lines of 64 bytes, so that a lost, doubled or moved byte shows, and where.
 * `<index in 8 digits> ` + 54 times `x` + line end.
 */
export function tenMebibytes(): string {
  const tail = ` ${'x'.repeat(lineBytes - 10)}\n`;
  const lines: string[] = [];
  for (let index = 0; index < tenMebibytesLength / lineBytes; index += 1) lines.push(String(index).padStart(8, '0') + tail);
  return lines.join('');
}

/** What `splitMultibyte` writes, one byte at a time: characters of one to four bytes. */
export const splitMultibyteText = 'aé€😀'.repeat(8) + '\n';
