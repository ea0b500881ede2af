import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestServer, type TestServer } from './support/test-server.js';
import { until } from './support/until.js';

const secret = 'c0rrect-horse-battery';
let server: TestServer;
beforeAll(async () => {
  server = await createTestServer({ environment: { RUNBEAT_SECRET_PHRASE: secret } });
});
afterAll(async () => {
  await server.close();
});

interface Page {
  readonly records: readonly { readonly seq: number; readonly text: string; readonly stream: string }[];
  readonly nextOffset: number;
  readonly endOffset: number;
  readonly complete: boolean;
}

/** Reads in pages of these sizes, over and over, until the log is complete. */
async function readAll(runId: string, sizes: readonly number[]): Promise<{ text: string; seqs: number[] }> {
  let offset = 0;
  let text = '';
  const seqs: number[] = [];
  for (let index = 0; ; index += 1) {
    const limit = sizes[index % sizes.length] ?? 1;
    const page = (await server.call('GET', `/api/heartbeat-runs/${runId}/log?offset=${offset}&limitBytes=${limit}`)).body as Page;
    text += page.records.map((record) => record.text).join('');
    seqs.push(...page.records.map(({ seq }) => seq));
    if (page.nextOffset < offset) throw new WentBack(`${page.nextOffset} < ${offset}`);
    offset = page.nextOffset;
    if (page.complete) return { text, seqs };
    if (page.records.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The same over server-sent events, from the start. */
async function followAll(runId: string): Promise<string> {
  const response = await fetch(`${server.url}/api/heartbeat-runs/${runId}/log/stream`);
  const stream = await response.text();
  return stream
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)))
    .flatMap((message) => (message.type === 'log' ? message.records.map((record: { text: string }) => record.text) : []))
    .join('');
}

const piece = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom('\n', 'línea\n', '\u{1F600}', secret, secret.slice(0, 9), secret.slice(9), '\r\n', 'x'.repeat(3_000)),
);

describe('a log that grows', () => {
  it('joins to the same bytes, in pages of any size, for any number of readers, with secrets cut over its pieces', async () => {
    const agent = await server.call('POST', `/api/companies/${server.company.id}/agents`, {
      body: {
        name: 'a',
        adapterType: 'told',
        adapterConfig: { isWaiting: true, env: { PHRASE: { $secret: 'PHRASE' } } },
        runtimeConfig: { heartbeat: { maxConcurrentRuns: 50 } },
      },
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 1, maxLength: 30 }),
        fc.array(fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 }),
        async (pieces, readers) => {
          const woken = await server.call('POST', `/api/agents/${agent.body.id}/wakeup`);
          const runId = woken.body.run.id as string;
          const reading = readers.map((sizes) => readAll(runId, sizes));
          const following = followAll(runId);
          await until('the run to start', () => server.told.environmentOf(runId) !== undefined);
          const token = server.told.environmentOf(runId)?.['RUNBEAT_RUN_TOKEN'] ?? '';
          for (const text of pieces) if (text !== '') await server.told.print(runId, text);
          server.told.finish(runId);
          const expected = pieces.join('').replaceAll(secret, '***').replaceAll(token, '***');
          const results = await Promise.all(reading);
          for (const { text, seqs } of results) {
            // Secrets that touch are hidden by one mark.
            expect(text.replace(/(\*\*\*)+/g, '***')).toBe(expected.replace(/(\*\*\*)+/g, '***'));
            expect(text).not.toContain(secret);
            expect(seqs).toEqual(seqs.map((_, index) => index + 1));
          }
          const texts = new Set([
            ...results.map(({ text }) => text),
            await following,
            (await server.call('GET', `/api/heartbeat-runs/${runId}/log?format=text`)).text,
          ]);
          expect(texts.size).toBe(1);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('of 20 MB is sent whole as text, in step with its reader', async () => {
    const agent = await server.call('POST', `/api/companies/${server.company.id}/agents`, {
      body: { name: 'big', adapterType: 'told', adapterConfig: { isWaiting: true } },
    });
    const woken = await server.call('POST', `/api/agents/${agent.body.id}/wakeup`);
    const runId = woken.body.run.id as string;
    await until('the run to start', () => server.told.environmentOf(runId) !== undefined);
    const hash = createHash('sha256');
    let bytes = 0;
    for (let index = 0; bytes < 20_000_000; index += 1) {
      const text = `${index} ${'abcdefghij'.repeat(5_000)}\n`;
      hash.update(text);
      bytes += text.length;
      await server.told.print(runId, text);
    }
    server.told.finish(runId);
    await until(
      'the run to end',
      async () => (await server.call('GET', `/api/heartbeat-runs/${runId}`)).body.finishedAt !== null,
    );
    const response = await fetch(`${server.url}/api/heartbeat-runs/${runId}/log?format=text`);
    const read = createHash('sha256');
    let received = 0;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      read.update(chunk);
      received += chunk.byteLength;
    }
    expect([received, read.digest('hex')]).toEqual([bytes, hash.digest('hex')]);
  });
});

class WentBack extends Error {}
