import { describe, expect, it } from 'vitest';
import { rowFromPs, rowFromStat } from './process-row.js';

describe('rowFromStat', () => {
  const rest = '1 8157 4218 0 -1 4194368 27 0 0 0 0 0 0 0 20 0 1 0 105641 2654208 169';

  it('reads pid, parent, group, state and start ticks', () => {
    expect(rowFromStat(`8166 (dash) R ${rest}\n`)).toEqual({
      pid: 8166,
      parentPid: 1,
      groupId: 8157,
      isZombie: false,
      startTicks: '105641',
      startedAtMs: null,
    });
  });

  it('is not confused by a name with spaces and parentheses', () => {
    expect(rowFromStat(`7 (a) Z (b) c) S ${rest}`)).toMatchObject({ pid: 7, groupId: 8157, isZombie: false });
  });

  it('knows a zombie', () => {
    expect(rowFromStat(`7 (gone) Z ${rest}`)).toMatchObject({ isZombie: true });
  });

  it.each(['', '12', '12 (half', '12 (half) S 1 2'])('takes %j for no row', (line) => {
    expect(rowFromStat(line)).toBeNull();
  });
});

describe('rowFromPs', () => {
  it('reads a line as macOS and Linux print it', () => {
    expect(rowFromPs('  501     1   501 Ss   Sat Nov 28 09:30:03 2026    ')).toEqual({
      pid: 501,
      parentPid: 1,
      groupId: 501,
      isZombie: false,
      startTicks: null,
      startedAtMs: Date.UTC(2026, 10, 28, 9, 30, 3),
    });
  });

  it('knows a zombie, and takes anything else for no row', () => {
    expect(rowFromPs('501 1 501 Z+ Sat Nov  8 09:30:03 2026')).toMatchObject({ isZombie: true });
    expect(rowFromPs('')).toBeNull();
    expect(rowFromPs('ps: no such process')).toBeNull();
  });
});
