import type { Socket } from 'node:net';
import { adapterConformance, type ConformanceScripts } from '@runbeat/adapter-testkit';
import { afterAll, describe, test } from 'vitest';
import adapter from '../src/index.js';
import { startJobService } from '../src/service/job-service.js';
import { conformanceTasks } from './conformance-tasks.js';

const token = 'the-token-of-the-service';
const service = await startJobService({ tasks: conformanceTasks, token, port: 0 });
afterAll(() => service.close());

const configFor = (task: string) => ({ serviceUrl: service.url, token, task, pollMs: 20, graceMs: 300 });
const scripts: ConformanceScripts = {
  exit0: configFor('exit0'),
  exit3: configFor('exit3'),
  runForever: configFor('runForever'),
  ignoreSigterm: configFor('ignoreSigterm'),
  write10MiB: configFor('write10MiB'),
  splitMultibyte: configFor('splitMultibyte'),
  spawnGrandchild: configFor('spawnGrandchild'),
  failToStart: configFor('no-such-task'),
};

describe('adapter-http keeps the contract', () => {
  adapterConformance({
    test,
    createAdapter: () => adapter,
    scripts,
    adapterModule: new URL('../dist/index.js', import.meta.url),
    async makeUnreachable() {
      const refuse = (socket: Socket): void => void socket.destroy();
      service.server.prependListener('connection', refuse);
      service.server.closeAllConnections();
      return async () => void service.server.removeListener('connection', refuse);
    },
  });
});
