// How fast a stored log is read over HTTP, against `cat` of the very file through a pipe. Each reader counts bytes.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@runbeat/client';
import { startChild } from './fan-out/child.mjs';

const MEBIBYTE = 1024 * 1024;
const ROUNDS = 3;

export default { title: 'reading a stored log against cat', run };

async function run({ scale }) {
  const home = await mkdtemp(join(tmpdir(), 'runbeat-bench-'));
  const server = startChild('server.mjs', [home]);
  try {
    const { url } = await server.next('listening');
    const client = createClient({ baseUrl: url });
    const companyId = (await client.companies.list()).items[0].id;
    const agent = await client.agents.create(companyId, { name: 'printer', adapterType: 'benchmark' });
    const executing = server.next('executing');
    const { run: started } = await client.agents.wakeup(agent.id);
    await executing;
    const text = `${'0123456789abcdef'.repeat(6)}xyz\n`.repeat(600);
    const messages = Math.ceil((128 * MEBIBYTE * scale) / text.length);
    server.send({ type: 'print', messages, text, isEnd: true });
    while ((await client.runs.get(started.id)).finishedAt === null) await new Promise((resolve) => setTimeout(resolve, 100));
    const bytes = messages * text.length;
    const file = await findLog(join(home, 'logs'), bytes);
    const path = `${url}/api/heartbeat-runs/${started.id}/log`;
    const readers = {
      cat: () => countCat(file),
      text: () => countHttp(`${path}?format=text`),
      pages: () => countPages(client, started.id),
    };
    const best = {};
    // One after the other in each round, so that a change of the machine's mood meets all of them.
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, read] of Object.entries(readers)) {
        const begun = performance.now();
        const count = await read();
        if (count !== bytes) throw new Error(`${name} read ${count} bytes of ${bytes}`);
        best[name] = Math.max(best[name] ?? 0, bytes / MEBIBYTE / ((performance.now() - begun) / 1_000));
      }
    }
    return [
      ['log-text', 'the whole log as text in one request', best.text],
      ['log-pages', 'the whole log as records, in JSON pages of 1 MiB, parsed', best.pages],
    ].map(([id, what, value]) => ({
      id,
      what,
      value,
      unit: 'MiB/s',
      baseline: best.cat,
      ratio: value / best.cat,
      goal: '–',
      isMet: null,
    }));
  } finally {
    await server.end();
    await rm(home, { recursive: true, force: true });
  }
}

async function findLog(folder, bytes) {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && (await stat(path)).size === bytes) return path;
  }
  throw new Error(`no file of ${bytes} bytes below ${folder}`);
}

async function countCat(file) {
  const cat = spawn('cat', [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let count = 0;
  for await (const chunk of cat.stdout) count += chunk.length;
  return count;
}

function countHttp(url) {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let count = 0;
      response.on('data', (chunk) => {
        count += chunk.length;
      });
      response.on('end', () => resolve(count));
      response.on('error', reject);
    }).on('error', reject);
  });
}

async function countPages(client, runId) {
  let count = 0;
  let offset = 0;
  for (;;) {
    const page = await client.runs.log(runId, { offset, limitBytes: MEBIBYTE });
    for (const record of page.records) count += Buffer.byteLength(record.text);
    offset = page.nextOffset;
    if (page.complete) return count;
  }
}
