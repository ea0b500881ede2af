import { fileURLToPath } from 'node:url';
import type { WebSocketClass } from '@runbeat/client';
import { createClient } from '@runbeat/client';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { waitUntil } from '../harness/processes.js';
import { readLog, startTestServer, untilEnded } from '../harness/test-server.js';

const transports: readonly (readonly [string, WebSocketClass | null])[] = [
  ['a WebSocket', WebSocket as unknown as WebSocketClass],
  ['server-sent events', null],
];

const counts = fileURLToPath(new URL('./programs/counts.mjs', import.meta.url));

describe('a client that reconnects with its cursor', () => {
  it.each(transports)(
    'T3 over %s misses no event and gets none twice, with the server killed in between',
    async (_name, webSocket) => {
      let server = await startTestServer();
      const { companyId } = server;
      const client = createClient({ baseUrl: server.url, webSocket });
      const agentId = await server.agent(counts, ['3', '10']);
      const stop = new AbortController();
      const ids: number[] = [];
      const seen: string[] = [];
      let first: number | null = null;
      let losses = 0;
      const following = (async () => {
        for await (const event of client.events({ companyId, after: 0, signal: stop.signal })) {
          if (event.type === 'connected') first ??= event.cursor;
          if (event.type === 'disconnected') losses += 1;
          if (event.type === 'event') {
            ids.push(event.event.id);
            seen.push(JSON.stringify(event.event.data));
          }
          if (event.type === 'resync') throw new Error('nothing was pruned, so that nothing had to be told anew');
        }
      })();
      const runs: string[] = [];
      const wake = async () => {
        const run = await server.wake(agentId);
        runs.push(run.id);
        await untilEnded(server.client, run.id);
      };
      await wake();
      await server.kill();
      server = await server.restart();
      await wake();
      await server.kill();
      server = await server.restart();
      await wake();
      await waitUntil(
        () => runs.every((id) => seen.filter((data) => data.includes(id)).length >= 2),
        60_000,
        () => `the events of all runs; there are ${seen.join(' ')}`,
      );
      stop.abort();
      await following;
      expect(losses).toBeGreaterThanOrEqual(2);
      expect(first).toBe(0);
      expect(ids).toEqual(ids.map((_, index) => index + 1));
    },
  );

  it.each(transports)('T3 over %s follows a log over a restart to its very end', async (_name, webSocket) => {
    let server = await startTestServer();
    const client = createClient({ baseUrl: server.url, webSocket });
    const agentId = await server.agent(counts, ['150', '20']);
    const run = await server.wake(agentId);
    const texts: string[] = [];
    const seqs: number[] = [];
    let isKilled = false;
    for await (const record of client.runLog({ runId: run.id })) {
      texts.push(record.text);
      seqs.push(record.seq);
      if (!isKilled && texts.join('').split('\n').length > 30) {
        isKilled = true;
        await server.kill();
        server = await server.restart();
      }
    }
    expect(isKilled).toBe(true);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    const stored = await readLog(server.client, run.id);
    expect(texts.join('')).toBe(stored.map(({ text }) => text).join(''));
    expect(texts.join('').match(/ of 150\n/g)).toHaveLength(150);
  });
});
