import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processHandle } from '@runbeat/adapter-sdk';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type RunFolder, runFolder } from '../capsule/run-folder.js';
import { createFolderRetention } from './folder-retention.js';

let parent = '';
let now = 0;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'runbeat-retention-'));
  now = Date.now();
});
afterEach(() => rmSync(parent, { recursive: true }));

const day = 86_400_000;
const retention = () => createFolderRetention({ runsDirectory: () => parent, now: () => now });

function endedRun(
  runId: string,
  ageMs: number,
  handle: object = { ...processHandle(process.pid, { leadsGroup: false }), startTicks: '1' },
): RunFolder {
  const folder = runFolder(parent, runId);
  mkdirSync(folder.path);
  writeFileSync(folder.stdout, 'x');
  writeFileSync(folder.stderr, '');
  writeFileSync(folder.handle, JSON.stringify(handle));
  const at = (Date.now() - ageMs) / 1_000;
  for (const path of [folder.stdout, folder.stderr, folder.path]) utimesSync(path, at, at);
  return folder;
}

it('removes a run ten minutes after its result was returned, and not before', async () => {
  const folder = endedRun('run', 0);
  const kept = retention();
  kept.returned(folder);
  now += 599_000;
  await kept.sweep();
  expect(existsSync(folder.path)).toBe(true);
  now += 2_000;
  await kept.sweep();
  expect(existsSync(folder.path)).toBe(false);
});

it('keeps a run whose host died after it was returned, for the next host to reattach', async () => {
  const folder = endedRun('run', day);
  retention().returned(folder);
  await retention().sweep();
  expect(existsSync(folder.path)).toBe(true);
});

it('removes what nobody claimed for a week, but never what lives', async () => {
  const old = endedRun('old', 8 * day);
  const living = endedRun('living', 8 * day, processHandle(process.pid, { leadsGroup: false }));
  await retention().sweep();
  expect([existsSync(old.path), existsSync(living.path)]).toEqual([false, true]);
});

it('does not mind a directory that is not there', async () => {
  await expect(createFolderRetention({ runsDirectory: () => join(parent, 'none') }).sweep()).resolves.toBeUndefined();
});
