// A Runbeat server with one adapter that prints when it is told. Talks to its parent by IPC.

import { defineAdapter } from '@runbeat/adapter-sdk';
import { createServer } from '@runbeat/server';

const [home] = process.argv.slice(2);
let print = () => undefined;
const anything = { '~standard': { version: 1, vendor: 'benchmark', validate: (value) => ({ value }) } };
const adapter = defineAdapter({
  specVersion: 'adapter-v1',
  type: 'benchmark',
  configSchema: anything,
  hasOutOfProcessLiveness: false,
  execute: (context) =>
    new Promise((resolve) => {
      print = async ({ messages, text, isEnd }) => {
        for (let index = 0; index < messages; index += 1) await context.onLog('stdout', text);
        if (isEnd) resolve({ status: 'succeeded' });
      };
      process.send({ type: 'executing' });
    }),
});
const server = createServer({ settings: { home, port: 0, logLevel: 'silent' }, adapters: [adapter] });
await server.start();
process.on('message', async (message) => {
  if (message.type === 'print') await print(message);
  if (message.type === 'usage')
    process.send({ type: 'usage', cpu: process.cpuUsage(), residentBytes: process.memoryUsage.rss() });
  if (message.type === 'end') {
    await server.close();
    process.disconnect();
  }
});
process.send({ type: 'listening', url: server.url });
