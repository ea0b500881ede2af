import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitFromStatus, readExitRecord } from './exit-record.js';
import { type RunFolder, runFolder } from './run-folder.js';

describe('exitFromStatus', () => {
  it.each([
    [0, '', { kind: 'exited', exitCode: 0 }],
    [3, '', { kind: 'exited', exitCode: 3 }],
    [137, 'Killed\n', { kind: 'signalled', signal: 'SIGKILL' }],
    [137, '', { kind: 'exited', exitCode: 137 }],
    [130, '', { kind: 'signalled', signal: 'SIGINT' }],
    [143, '', { kind: 'signalled', signal: 'SIGTERM' }],
    [134, 'Aborted\n', { kind: 'signalled', signal: 'SIGABRT' }],
    [255, 'Killed\n', { kind: 'exited', exitCode: 255 }],
  ] as const)('reads status %i with the shell’s report %j', (status, report, expected) => {
    expect(exitFromStatus(status, report)).toEqual(expected);
  });
});

describe('readExitRecord', () => {
  let parent = '';
  let folder: RunFolder;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'runbeat-exit-'));
    folder = runFolder(parent, 'run');
    mkdirSync(folder.path);
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  it.each(['', '1', '14'])('takes %j for a record that is still being written', (text) => {
    writeFileSync(folder.exit, text);
    expect(readExitRecord(folder)).toBeNull();
  });

  it('tells a failed exec from a command that ends with the same code', () => {
    writeFileSync(folder.exit, '127\n');
    expect(readExitRecord(folder)).toMatchObject({ kind: 'exited', exitCode: 127 });
    writeFileSync(folder.execFailed, '127\n');
    expect(readExitRecord(folder)).toEqual({ kind: 'exec_failed', status: 127 });
  });

  it('is null while there is no record, and when the whole folder has gone', () => {
    expect(readExitRecord(folder)).toBeNull();
    expect(readExitRecord(runFolder(parent, 'never'))).toBeNull();
  });
});
