import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CriLog, createCriLog, createCriReader } from '../simulator/cri-log.js';
import { createSimulator, type Simulator } from '../simulator/index.js';
import { createNodeClock } from '../simulator/node-clock.js';

// What the simulator answers, against what a real Kubernetes 1.34 answered (recorded; trimmed to what is replayed here).
interface GoldenCall {
  readonly file: string;
  readonly step: string;
  readonly as: string;
  readonly line: string;
  readonly headers: [string, string][];
  readonly body: unknown;
  readonly status: number;
  readonly answer: unknown;
}

const golden = <T>(name: string): T => JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8')) as T;

let simulator: Simulator;
beforeAll(async () => {
  // The recorder's ServiceAccount: no patch, no events, no exec.
  const rules = [
    { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'list', 'watch', 'delete'] },
    {
      apiGroups: [''],
      resources: ['pods', 'pods/log', 'secrets', 'configmaps'],
      verbs: ['create', 'get', 'list', 'watch', 'delete'],
    },
  ];
  simulator = await createSimulator({ rules, userName: 'system:serviceaccount:agents:agent-runner' });
  createPods();
});
afterAll(() => simulator.close());

/** The Pods that the recorded calls are about, without processes behind them. */
function createPods(): void {
  const base = (name: string, containers: string[], extra: object): void => {
    const pod = simulator.store.create('pods', {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name, namespace: 'agents', generation: 1 },
      spec: { containers: containers.map((each) => ({ name: each, image: 'node:20' })), ...extra },
      status: { phase: 'Running' },
    });
    const log = createCriLog(simulator.clock, { rotateBytes: 2 ** 30, rotateCheckMs: 0 });
    log.write('stdout', Buffer.from('one\nthree\ntwo\n'));
    simulator.kubelet.adopt(pod.metadata.uid, () => log);
  };
  base('g7-run', ['main'], { nodeName: 'node-1' });
  base('g7-two', ['main', 'side'], { nodeName: 'node-1' });
  base('g1-patch-9cbcn', ['main'], { nodeName: 'node-1', activeDeadlineSeconds: 250 });
  simulator.store.create('jobs', {
    kind: 'Job',
    apiVersion: 'batch/v1',
    metadata: { name: 'g1-patch', namespace: 'agents', generation: 1, labels: {} },
    spec: { suspend: false, template: { metadata: {}, spec: { containers: [{ name: 'main', image: 'node:20' }] } } },
    status: {},
  });
}

function call(golden: GoldenCall): Promise<{ status: number; body: unknown }> {
  const [method = 'GET', path = '/'] = golden.line.split(' ');
  const tokens: Record<string, string> = { limited: simulator.token, admin: simulator.adminToken, badtoken: 'bad' };
  const headers: Record<string, string> = Object.fromEntries(
    golden.headers.filter(([name]) => !/^(host|authorization|content-length|transfer-encoding|connection)$/i.test(name)),
  );
  const token = tokens[golden.as];
  if (token !== undefined) headers['Authorization'] = `Bearer ${token}`;
  // The recorded Job's uid stands for that of the one that was made here.
  const uid = simulator.store.get('jobs', 'agents', 'g1-create')?.metadata.uid ?? '';
  const body = typeof golden.body === 'string' ? golden.body : JSON.stringify(golden.body);
  const payload = golden.body === null ? null : body.replaceAll('1344c559-1f37-427c-b9e5-c5f05e35a80a', uid);
  // Node sends no length with a DELETE by itself.
  if (payload !== null) headers['Content-Length'] = String(Buffer.byteLength(payload));
  return new Promise((resolve, reject) => {
    const sent = request(`${simulator.url}${path}`, { method, headers, ca: simulator.ca, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        let body: unknown = text;
        try {
          body = JSON.parse(text);
        } catch {
          // Plain text, as recorded.
        }
        resolve({ status: response.statusCode ?? 0, body });
      });
    });
    sent.on('error', reject);
    sent.end(payload ?? undefined);
  });
}

/** Texts with values that differ from cluster to cluster. */
function comparable(value: unknown): unknown {
  const uids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
  return JSON.parse(
    JSON.stringify(value)
      .replace(uids, 'UID')
      .replace(/in record \(\d+\)/g, 'in record (1)')
      .replace(/"resourceVersion":"\d+"/g, '"resourceVersion":"1"')
      .replace(/"\w+Time(stamp)?":"\d{4}-[^"]+Z"/g, '"time":"now"'),
  );
}

describe('the simulated API answers like the recorded one', () => {
  for (const each of golden<GoldenCall[]>('calls')) {
    test(`${each.file}: ${each.step}`, async () => {
      const { status, body } = await call(each);
      expect(status).toBe(each.status);
      const expected = each.answer as { kind?: string } | string;
      if (typeof expected === 'string') return expect(body).toBe(expected);
      if (expected.kind === 'Status' || status >= 400) return expect(comparable(body)).toEqual(comparable(expected));
      expect(withoutRecorderFields(comparable(body))).toMatchObject(withoutRecorderFields(comparable(expected)));
    });
  }
});

/** managedFields are not modelled; the Suspended condition comes when the controller gets to it. */
function withoutRecorderFields(value: unknown): object {
  const copy = structuredClone(value) as { metadata?: Record<string, unknown>; status?: Record<string, unknown> };
  delete copy.metadata?.['managedFields'];
  return copy;
}

/** Puts the lines of a recorded CRI file into a simulated one. */
function criLogFrom(file: string): CriLog {
  const log = createCriLog(createNodeClock(), { rotateBytes: 2 ** 40, rotateCheckMs: 0 });
  for (const line of file.split('\n')) {
    const match = /^(\S+) (stdout|stderr) ([FP]) ?(.*)$/s.exec(line);
    if (!match) continue;
    const [, time = '', stream, tag, text = ''] = match;
    const [seconds = '', fraction = ''] = time.replace('Z', '').split('.');
    const ns = BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
    log.current.entries.push({
      ns,
      stream: stream as 'stdout' | 'stderr',
      isFull: tag === 'F',
      text: Buffer.from(expand(text), 'latin1'),
    });
  }
  return log;
}

/** The recorder writes `«x*N»` for N times x. */
function expand(text: string): string {
  return text.replace(/«(.)\*(\d+)»/gs, (_, char: string, count: string) => char.repeat(Number(count)));
}

function readAll(log: CriLog, options: Parameters<typeof createCriReader>[1]): string {
  const reader = createCriReader(log, options);
  const parts: Buffer[] = [];
  for (let piece = reader.next(); piece !== null; piece = reader.next()) parts.push(piece);
  return Buffer.concat(parts).toString('latin1');
}

describe('the simulated log reader renders a recorded CRI file as the kubelet did', () => {
  test('07b: odd bytes, long lines, interleaved streams, no final newline', () => {
    const { cri, stream } = golden<{ cri: string; stream: { latin1: string | null; text: string | null }[] }>('log-bytes');
    const expected = stream
      .map((chunk) => (chunk.latin1 !== null ? expand(chunk.latin1) : Buffer.from(expand(chunk.text ?? '')).toString('latin1')))
      .join('');
    expect(readAll(criLogFrom(cri), { timestamps: true })).toBe(expected);
  });

  const parameters = golden<{ cri: string; reads: { query: string; body: string }[] }>('log-parameters');
  for (const { query, body } of parameters.reads.filter((read) => !/sinceSeconds=5$/.test(read.query))) {
    test(`07c: ${query}`, () => {
      const asked = new URLSearchParams(query);
      const tailLines = asked.get('tailLines');
      const limitBytes = asked.get('limitBytes');
      const sinceTime = asked.get('sinceTime');
      const text = readAll(criLogFrom(parameters.cri), {
        timestamps: asked.get('timestamps') === 'true',
        ...(tailLines === null ? {} : { tailLines: Number(tailLines) }),
        ...(limitBytes === null ? {} : { limitBytes: Number(limitBytes) }),
        ...(sinceTime === null ? {} : { sinceNs: BigInt(Math.floor(Date.parse(sinceTime) / 1000)) * 1_000_000_000n }),
      });
      expect(text).toBe(expand(body));
    });
  }
});
