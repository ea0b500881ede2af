import { sleep } from '@runbeat/adapter-sdk';
import { splitMultibyteText, tenMebibytes } from '@runbeat/adapter-testkit';
import type { Task } from '../src/service/job.js';

const untilAsked = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));

/** The conformance behaviours as tasks of the service. A task is no process, hence the pid 0. */
export const conformanceTasks: Readonly<Record<string, Task>> = {
  async exit0({ print }) {
    print('stdout', 'ready 0\n');
    return 0;
  },
  async exit3({ print }) {
    print('stdout', 'ready 0\n');
    await sleep(500);
    return 3;
  },
  async runForever({ print, signal }) {
    print('stdout', 'ready 0\n');
    await untilAsked(signal);
    return 0;
  },
  async ignoreSigterm({ print }) {
    print('stdout', 'ready 0\n');
    return new Promise(() => {});
  },
  async write10MiB({ print }) {
    print('stdout', tenMebibytes());
    return 0;
  },
  async splitMultibyte({ print }) {
    for (const character of splitMultibyteText) print('stdout', character);
    return 0;
  },
  async spawnGrandchild({ print, signal }) {
    print('stdout', 'grandchild 0\nready 0\n');
    await untilAsked(signal);
    return 0;
  },
};
