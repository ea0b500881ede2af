import { expect, test } from 'vitest';
import type { ProcessEntry } from './process-table.js';
import { membersOf } from './run-processes.js';

function table(
  ...rows: [pid: number, parentPid: number, group: number, ticks: number, isZombie?: boolean][]
): Map<number, ProcessEntry> {
  return new Map(
    rows.map(([pid, parentPid, processGroupId, ticks, isZombie = false]) => [
      pid,
      { pid, parentPid, processGroupId, startTicks: String(ticks), isZombie },
    ]),
  );
}

const host = [10, 1, 10, 100] as const;
const root = { pid: 20, processGroupId: 20, startTicks: '200' };
const find = (rows: Map<number, ProcessEntry>, options: { known?: Map<number, ProcessEntry>; marked?: number[] } = {}) =>
  [...membersOf(rows, { roots: [root], known: options.known ?? new Map() }, new Set(options.marked ?? []), 10).keys()].sort();

test('the announced process, its group and its descendants belong to the run', () => {
  expect(find(table([...host], [20, 10, 20, 200], [21, 20, 20, 210], [22, 21, 22, 220], [30, 1, 30, 50]))).toEqual([20, 21, 22]);
});

test('a process that was given the same number later is a stranger, and so are its children', () => {
  expect(find(table([...host], [20, 1, 20, 999], [21, 20, 21, 1000]))).toEqual([]);
});

test('a group member whose leader is gone still belongs to the run', () => {
  expect(find(table([...host], [21, 1, 20, 210]))).toEqual([21]);
});

test('a setsid grandchild of a parent that is gone is found by the run’s id or by an earlier search', () => {
  const rows = table([...host], [25, 1, 25, 230]);
  expect(find(rows)).toEqual([]);
  expect(find(rows, { marked: [25] })).toEqual([25]);
  expect(find(rows, { known: table([25, 21, 25, 230]) })).toEqual([25]);
  expect(find(rows, { known: table([25, 21, 25, 229]) })).toEqual([]);
});

test('zombies, the host itself and its ancestors are never ended', () => {
  expect(find(table([...host], [20, 10, 20, 200, true], [21, 20, 20, 210, true]), { marked: [10, 1] })).toEqual([]);
});
