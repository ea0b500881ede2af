import { execFile, execFileSync } from 'node:child_process';
import { entryFromPsLine, type ProcessEntry } from './process-entry.js';
import type { ProcessSource } from './process-source.js';

/** For systems without `/proc`. Other processes' environments cannot be read there, so the group is all that is known of a run. */
export function createPsProcessSource(bootId = readBootId()): ProcessSource {
  return {
    bootId,
    own: () => entryFromPsLine(execFileSync('ps', ['-p', String(process.pid), ...columns], { ...options, encoding: 'utf8' })),
    find: async (pid) => (await ps(['-p', String(pid)]))[0] ?? null,
    list: () => ps(['-ax']),
    runIdOf: async () => null,
  };
}

const options = { env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/bin:/usr/bin' }, maxBuffer: 16_777_216 };
const columns = ['-o', 'pid=,pgid=,stat=,lstart='] as const;

function ps(which: readonly string[]): Promise<ProcessEntry[]> {
  return new Promise((resolve, reject) => {
    execFile('ps', [...which, ...columns], options, (error, stdout, stderr) => {
      // `ps -p` ends with 1 and without a word when there is no such process.
      if (error && !(error.code === 1 && stderr === '')) reject(error);
      else resolve(stdout.split('\n').flatMap((line) => entryFromPsLine(line) ?? []));
    });
  });
}

function readBootId(): string {
  return execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim();
}
