import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { pipeDestination } from './log-destination.js';

const line = `${'x'.repeat(999)}\n`;

describe('a pipe that the log goes to', () => {
  it('whose reader stops reading holds 1 MiB and drops the rest, counted', () => {
    const destination = pipeDestination(new Writable({ write: () => undefined }));
    for (let count = 0; count < 3_000; count += 1) destination.write(line);
    expect(destination.lostLines()).toBeGreaterThan(1_900);
    expect(destination.lostLines()).toBeLessThan(2_000);
  });

  it('whose reader has gone loses lines and nothing else', async () => {
    const gone = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(gone) });
    const destination = pipeDestination(stream);
    destination.write(line);
    await new Promise((resolve) => setImmediate(resolve));
    destination.write(line);
    destination.write(line);
    destination.flush();
    expect(destination.lostLines()).toBe(3);
  });
});
