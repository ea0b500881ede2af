import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTestServer, untilEnded } from '../harness/test-server.js';

const counts = fileURLToPath(new URL('./programs/counts.mjs', import.meta.url));
const repository = new URL('../../', import.meta.url);

/** A page of the server's own origin that loads the built client as modules. */
const page = `<!doctype html><script type="importmap">${JSON.stringify({
  imports: {
    '@runbeat/client': '/__files/packages/client/dist/index.js',
    '@runbeat/protocol': '/__files/packages/protocol/dist/index.js',
    zod: '/__files/node_modules/zod/index.js',
  },
})}</script><script type="module">
  import { createClient } from '@runbeat/client';
  const client = createClient({ baseUrl: location.origin });
  window.start = (companyId, runId) => {
    window.ids = [];
    window.links = 0;
    window.log = '';
    window.isComplete = false;
    (async () => {
      for await (const event of client.events({ companyId, after: 0 })) {
        if (event.type === 'event') window.ids.push(event.cursor);
        if (event.type === 'connected') window.links += 1;
      }
    })();
    (async () => {
      for await (const record of client.runLog({ runId })) window.log += record.text;
      window.isComplete = true;
    })();
  };
  window.isReady = true;
</script>`;

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
    await tab.route('**/__page', (route) => route.fulfill({ contentType: 'text/html', body: page }));
    await tab.route('**/__files/**', async (route) => {
      const path = new URL(route.request().url()).pathname.replace('/__files/', '');
      const contentType = extname(path) === '.js' ? 'text/javascript' : 'application/octet-stream';
      await route.fulfill({ contentType, body: await readFile(new URL(path, repository)) });
    });
    await tab.goto(`${server.url}/__page`);
    await tab.waitForFunction('window.isReady === true', null, { timeout: 60_000 });
    const agentId = await server.agent(counts, ['150', '20']);
    const run = await server.wake(agentId);
    await tab.evaluate(
      ([companyId, runId]) => (window as unknown as { start(...ids: string[]): void }).start(companyId ?? '', runId ?? ''),
      [server.companyId, run.id],
    );
    await tab.waitForFunction('window.log.split("\\n").length > 20', null, { timeout: 60_000 });
    await server.kill();
    server = await server.restart();
    await untilEnded(server.client, run.id);
    await tab.waitForFunction('window.isComplete', null, { timeout: 60_000 });
    // One more, so that an event follows the restart in any case.
    const last = await server.wake(await server.agent(counts, ['1', '1']));
    await untilEnded(server.client, last.id);
    await tab.waitForFunction(
      (known) => (window as unknown as { ids: number[] }).ids.length > known,
      ((await tab.evaluate('window.ids.length')) as number) - 1,
      { timeout: 60_000 },
    );
    const [ids, links, log] = (await tab.evaluate('[window.ids, window.links, window.log]')) as [number[], number, string];
    expect(problems).toEqual([]);
    expect(links).toBeGreaterThanOrEqual(2);
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(log.split('\n').filter(Boolean)).toEqual(Array.from({ length: 150 }, (_, index) => `${index + 1} of 150`));
  });
});
