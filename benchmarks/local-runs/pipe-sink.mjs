// pipe-sink.mjs FILE COMMAND…: what a simple supervisor does, a pipe and `writeSync`. Prints its CPU time in ms.
import { spawn } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';

const [file, command, ...args] = process.argv.slice(2);
const out = openSync(file, 'w');
const before = process.cpuUsage();
const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
child.stdout.on('data', (chunk) => writeSync(out, chunk));
child.on('close', () => {
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / 1_000);
});
