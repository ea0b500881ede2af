import { adapterConformance, commandScripts } from '@runbeat/adapter-testkit';
import { afterAll, describe, test } from 'vitest';
import adapter from '../src/index.js';
import { startThrowAwaySshd } from './throw-away-sshd.js';

const sshd = await startThrowAwaySshd();
afterAll(() => sshd.close());

describe('adapter-ssh keeps the contract, over a real sshd', () => {
  adapterConformance({
    test,
    createAdapter: () => adapter,
    scripts: commandScripts((command, args) => ({ ...sshd.login, command, args, graceMs: 500 })),
    adapterModule: new URL('../dist/index.js', import.meta.url),
    async makeUnreachable() {
      await sshd.stop();
      return () => sshd.start();
    },
  });
});
