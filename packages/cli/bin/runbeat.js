#!/usr/bin/env node
// A committed file, so that npm links the command in a fresh clone before anything is built.
import { existsSync } from 'node:fs';

const built = new URL('../dist/bin.js', import.meta.url);
if (!existsSync(built)) {
  process.stderr.write('runbeat: this clone is not built yet. Run: npm run build\n');
  process.exit(1);
}
await import(built.href);
