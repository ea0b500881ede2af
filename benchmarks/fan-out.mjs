// P6: one run's output to 1,000 WebSocket subscribers, against bare `ws` that sends one Buffer per message. Server and
// subscribers are processes of their own; both sides are measured with the same subscribers, one after the other.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@runbeat/client';
import { startChild } from './fan-out/child.mjs';

const SUBSCRIBERS = 1_000;
const FROZEN = 50;
const text = `${'a line of output, as long as lines are. '.repeat(2)}${'.'.repeat(19)}\n`;

export default { title: 'live fan-out to 1,000 subscribers', run };

async function run({ scale }) {
  const messages = Math.max(100, Math.round(2_000 * scale));
  const home = await mkdtemp(join(tmpdir(), 'runbeat-bench-'));
  const bare = await measure(startChild('bare-server.mjs', []), { messages, frozen: 0, prepare: async (url) => [url, ''] });
  try {
    const server = startChild('server.mjs', [home]);
    const prepare = async (url) => {
      const client = createClient({ baseUrl: url });
      const { items } = await client.companies.list();
      const companyId = items[0].id;
      const agent = await client.agents.create(companyId, { name: 'printer', adapterType: 'benchmark' });
      const executing = server.next('executing');
      const { run } = await client.agents.wakeup(agent.id);
      await executing;
      const subscribe = JSON.stringify({ subscribe: { runId: run.id, afterSeq: 0 } });
      return [`${url}/api/companies/${companyId}/events/ws?events=false`, subscribe];
    };
    const ours = await measure(server, { messages, frozen: FROZEN, prepare });
    const perMessage = (result) => result.cpuMs / (result.deliveries / 1_000);
    return [
      {
        id: 'P6',
        what: `messages delivered to ${SUBSCRIBERS} subscribers, ${FROZEN} of them frozen`,
        value: ours.perSecond,
        unit: 'messages/s',
        baseline: bare.perSecond,
        ratio: ours.perSecond / bare.perSecond,
        goal: '≥ 3',
        isMet: ours.perSecond / bare.perSecond >= 3,
      },
      {
        id: 'P6-cpu',
        what: 'server CPU per 1,000 messages delivered (with the whole way into the store)',
        value: perMessage(ours),
        unit: 'ms',
        baseline: perMessage(bare),
        ratio: perMessage(ours) / perMessage(bare),
        goal: '–',
        isMet: null,
      },
      {
        id: 'P6-memory',
        what: `memory of the server, with ${FROZEN} frozen and everything delivered, over before`,
        value: (ours.residentAfter - ours.residentBefore) / 1_048_576,
        unit: 'MiB',
        baseline: (bare.residentAfter - bare.residentBefore) / 1_048_576,
        ratio: null,
        goal: '≤ 100',
        isMet: (ours.residentAfter - ours.residentBefore) / 1_048_576 <= 100,
      },
    ];
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function measure(server, { messages, frozen, prepare }) {
  let subscribers = null;
  try {
    const { url } = await server.next('listening');
    const [address, first] = await prepare(url);
    subscribers = startChild('subscribers.mjs', [address.replace('http', 'ws'), String(SUBSCRIBERS), String(frozen), first]);
    await subscribers.next('open');
    // A short round first: code is compiled, sockets are warm, subscriptions are there.
    subscribers.send({ type: 'expect', messages: 20 });
    await Promise.all([subscribers.next('received'), server.send({ type: 'print', messages: 20, text })]);
    subscribers.send({ type: 'freeze' });
    subscribers.send({ type: 'expect', messages });
    const before = await server.ask({ type: 'usage' }, 'usage');
    const started = performance.now();
    const received = subscribers.next('received');
    server.send({ type: 'print', messages, text });
    await received;
    const seconds = (performance.now() - started) / 1_000;
    const after = await server.ask({ type: 'usage' }, 'usage');
    const deliveries = messages * (SUBSCRIBERS - frozen);
    return {
      perSecond: deliveries / seconds,
      deliveries,
      cpuMs: (after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system) / 1_000,
      residentBefore: before.residentBytes,
      residentAfter: after.residentBytes,
    };
  } finally {
    await subscribers?.end();
    server.send({ type: 'print', messages: 0, text: '', isEnd: true });
    await server.end();
  }
}
