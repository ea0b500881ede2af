import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameReader, type Frame } from './frame-reader.js';

const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    kind: fc.constant('output' as const),
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  fc.constant({ kind: 'alive' as const }),
  fc.constant({ kind: 'gone' as const }),
  fc.record({ kind: fc.constant('exit' as const), exitCode: fc.nat(255) }),
);

function encoded(one: Frame): Buffer {
  if (one.kind === 'output')
    return Buffer.concat([Buffer.from(`${one.stream === 'stdout' ? 'o' : 'e'} ${one.bytes.length}\n`), one.bytes]);
  return Buffer.from(one.kind === 'exit' ? `exit ${one.exitCode}\n` : `${one.kind}\n`);
}

const comparable = (one: Frame): unknown => (one.kind === 'output' ? { ...one, bytes: [...one.bytes] } : one);

describe('createFrameReader', () => {
  it('gives the frames that were sent, however the connection cuts them', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.integer({ min: 1, max: 30 }), (frames, step) => {
        const bytes = Buffer.concat(frames.map(encoded));
        const reader = createFrameReader();
        const read: Frame[] = [];
        for (let from = 0; from < bytes.length; from += step) read.push(...reader.push(bytes.subarray(from, from + step)));
        expect(read.map(comparable)).toEqual(frames.map(comparable));
      }),
    );
  });

  it('refuses what is no frame, and says what to look for', () => {
    for (const text of ['Welcome to this host!\n', 'x'.repeat(100)]) {
      expect(() => createFrameReader().push(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'ssh.shell_talks' }));
    }
  });
});
