// Prints 100-byte lines, at least as many bytes as asked for, as fast as stdout takes them.
import { writeSync } from 'node:fs';

const wanted = Number(process.argv[2]);
const block = Buffer.from(`${'x'.repeat(99)}\n`.repeat(655));
for (let written = 0; written < wanted; written += block.length) writeSync(1, block);
