import { writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** Reads exactly the bytes that exist between `from` and `to`; fewer only at the end of the file. */
export async function readBytes(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.max(0, to - from));
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/**
 * What is written in place. A small write to the page cache takes about a microsecond (measured), a trip through
 * the thread pool tens of them; two hundred runs that print append four thousand times a second.
 */
const inPlaceLimitBytes = 32_768;

/** Writes all of it: a nearly full disk takes a part and reports no error. */
export async function writeBytes(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  let written = 0;
  if (bytes.length <= inPlaceLimitBytes) {
    while (written < bytes.length) written += writeSync(file.fd, bytes, written, bytes.length - written, at + written);
    return;
  }
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, at + written);
    written += bytesWritten;
  }
}
