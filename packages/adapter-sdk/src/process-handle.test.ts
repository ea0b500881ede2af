import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { processHandle } from './process-handle.js';

describe('processHandle', () => {
  it('tells two processes apart that had the same pid, by start time and boot', async () => {
    const own = processHandle(process.pid, { leadsGroup: false });
    expect(own).toMatchObject({ kind: 'process', pid: process.pid, processGroupId: null });
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { detached: true, stdio: 'ignore' });
    try {
      const handle = processHandle(child.pid ?? 0, { leadsGroup: true });
      expect(handle.processGroupId).toBe(child.pid);
      expect(handle.bootId).toBe(own.bootId);
      if (process.platform === 'linux') expect(Number(handle.startTicks)).toBeGreaterThan(Number(own.startTicks));
      expect(JSON.parse(JSON.stringify(handle))).toEqual(handle);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(processHandle(child.pid ?? 0, { leadsGroup: true }).startTicks).toBeNull();
  });

  it('refuses the pid of a child that did not start', () => {
    expect(() => processHandle(Number.NaN, { leadsGroup: true })).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});
