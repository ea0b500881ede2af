import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTestServer, untilEnded } from '../harness/test-server.js';

const counts = fileURLToPath(new URL('./programs/counts.mjs', import.meta.url));
const repository = new URL('../../', import.meta.url);

const imports = {
  '@runbeat/client': '/__files/packages/client/dist/index.js',
  '@runbeat/protocol': '/__files/packages/protocol/dist/index.js',
  zod: '/__files/node_modules/zod/index.js',
};

/** Runs in the page: follows and keeps what came. */
const program = `
  import { createClient } from '@runbeat/client';
  const client = createClient({ baseUrl: location.origin });
  window.start = (companyId, runId) => {
    window.ids = [];
    window.links = 0;
    window.seen = '';
    window.log = '';
    window.isComplete = false;
    (async () => {
      for await (const event of client.events({ companyId, after: 0 })) {
        if (event.type === 'event') {
          window.ids.push(event.cursor);
          window.seen += JSON.stringify(event.event.data);
        }
        if (event.type === 'connected') window.links += 1;
      }
    })();
    (async () => {
      for await (const record of client.runLog({ runId })) window.log += record.text;
      window.isComplete = true;
    })();
  };
  window.isReady = true;`;

describe('the client in a browser', () => {
  it('T3 follows events and a log over WebSockets and over a server that is killed in between', {
    timeout: 180_000,
  }, async () => {
    let server = await startTestServer();
    const browser = await chromium.launch({
      executablePath: process.env['RUNBEAT_CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    onTestFinished(() => browser.close());
    const tab = await browser.newPage();
    const problems: string[] = [];
    tab.on('pageerror', (error) => problems.push(String(error)));
    await tab.route('**/__files/**', async (route) => {
      const path = new URL(route.request().url()).pathname.replace('/__files/', '');
      const contentType = extname(path) === '.js' ? 'text/javascript' : 'application/octet-stream';
      await route.fulfill({ contentType, body: await readFile(new URL(path, repository)) });
    });
    // A document that really comes from the server: a page that only seems to be of this address may not call it.
    await tab.goto(`${server.url}/healthz`);
    await tab.addScriptTag({ type: 'importmap', content: JSON.stringify({ imports }) });
    await tab.addScriptTag({ type: 'module', content: program });
    await tab.waitForFunction('window.isReady === true', null, { timeout: 60_000 });
    const agentId = await server.agent(counts, ['150', '20']);
    const run = await server.wake(agentId);
    await tab.evaluate(`start(${JSON.stringify(server.companyId)}, ${JSON.stringify(run.id)})`);
    await tab.waitForFunction('window.log.split("\\n").length > 20', null, { timeout: 60_000 });
    await server.kill();
    server = await server.restart();
    await untilEnded(server.client, run.id);
    await tab.waitForFunction('window.isComplete', null, { timeout: 60_000 });
    // One more, so that an event follows the restart in any case.
    const last = await server.wake(await server.agent(counts, ['1', '1']));
    await untilEnded(server.client, last.id);
    await tab.waitForFunction(`window.seen.includes(${JSON.stringify(last.id)})`, null, { timeout: 60_000 });
    const [ids, links, log] = (await tab.evaluate('[window.ids, window.links, window.log]')) as [number[], number, string];
    expect(problems).toEqual([]);
    expect(links).toBeGreaterThanOrEqual(2);
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(log.split('\n').filter(Boolean)).toEqual(Array.from({ length: 150 }, (_, index) => `${index + 1} of 150`));
  });
});
