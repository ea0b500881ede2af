// prints-many.mjs LINES FILE: numbered lines of 100 bytes to stdout; how long that took, in ms, into FILE.
import { writeFileSync, writeSync } from 'node:fs';

const [lines, file] = [Number(process.argv[2]), process.argv[3]];
const filler = 'x'.repeat(88);
const began = process.hrtime.bigint();
for (let line = 0; line < lines; ) {
  let block = '';
  for (const end = Math.min(lines, line + 600); line < end; line += 1) block += `${String(line).padStart(10, '0')} ${filler}\n`;
  const bytes = Buffer.from(block, 'latin1');
  for (let written = 0; written < bytes.length; ) written += writeSync(1, bytes, written);
}
writeFileSync(file, String(Number(process.hrtime.bigint() - began) / 1e6));
