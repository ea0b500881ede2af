import { expect, test } from 'vitest';
import { createSteeredClock } from '../../test/steered-clock.js';
import { type HeartbeatOptions, startHeartbeat } from './heartbeat.js';

const MEBIBYTE = 1024 * 1024;

function watch(options: Partial<HeartbeatOptions> = {}) {
  const clock = createSteeredClock();
  const seen = { pings: [] as number[], lost: [] as string[], residentMb: 100 };
  const heartbeat = startHeartbeat({
    clock,
    maxExternalBytes: 50 * MEBIBYTE,
    maxGrowthBytes: 100 * MEBIBYTE,
    residentBytes: () => seen.residentMb * MEBIBYTE,
    ping: (sequence) => seen.pings.push(sequence),
    onLost: (reason) => seen.lost.push(reason),
    ...options,
  });
  return { clock, seen, heartbeat };
}

test('a worker that answers is never lost', () => {
  const { clock, seen, heartbeat } = watch();
  for (let second = 0; second < 60; second += 1) {
    heartbeat.answered(seen.pings.at(-1) ?? 0, 0);
    clock.advance(1_000);
  }
  expect(seen).toMatchObject({ lost: [] });
  expect(seen.pings.length).toBeGreaterThanOrEqual(60);
});

test('ten seconds without an answer are lost, once, and not a moment before', () => {
  const { clock, seen, heartbeat } = watch();
  clock.advance(9_900);
  expect(seen.lost).toEqual([]);
  clock.advance(100);
  expect(seen.lost).toEqual(['did not answer for 10 s: its event loop is blocked']);
  clock.advance(60_000);
  heartbeat.answered(1, 0);
  expect(seen.lost).toHaveLength(1);
});

test('a pause of the whole process counts as one unanswered ping', () => {
  const { clock, seen, heartbeat } = watch();
  clock.jump(60_000);
  clock.advance(1_000);
  expect(seen.lost).toEqual([]);
  heartbeat.answered(seen.pings.at(-1) ?? 0, 0);
  clock.advance(5_000);
  expect(seen.lost).toEqual([]);
});

test('a worker that owes an answer while the process grows is lost long before ten seconds', () => {
  const { clock, seen } = watch();
  seen.residentMb = 150;
  clock.advance(200);
  expect(seen.lost).toEqual([]);
  seen.residentMb = 250;
  clock.advance(100);
  expect(seen.lost).toEqual(['did not answer while the process grew by 150 MB (limit 100 MB)']);
});

test('growth of the process is nobody’s fault while the worker answers', () => {
  const { clock, seen, heartbeat } = watch();
  heartbeat.answered(1, 0);
  seen.residentMb = 900;
  clock.advance(900);
  expect(seen.lost).toEqual([]);
});

test('buffers beyond the limit are noticed with the answer', () => {
  const { seen, heartbeat } = watch();
  heartbeat.answered(1, 60 * MEBIBYTE);
  expect(seen.lost).toEqual(['holds 60 MB of buffers (limit 50 MB)']);
});

test('a stopped watch says nothing more', () => {
  const { clock, seen, heartbeat } = watch();
  heartbeat.stop();
  clock.advance(60_000);
  expect(seen).toMatchObject({ lost: [], pings: [1] });
  expect(clock.waiting).toEqual([]);
});
