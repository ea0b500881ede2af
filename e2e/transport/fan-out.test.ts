import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { waitUntil } from '../harness/processes.js';
import { startTestServer } from '../harness/test-server.js';
import { resourcesOf } from './server-resources.js';

const subscribers = Number(process.env['RUNBEAT_SUBSCRIBERS'] ?? 1_000);
const frozenShare = 20;
const events = 300;

interface Subscriber {
  readonly socket: WebSocket;
  readonly ids: number[];
  readonly isFrozen: boolean;
}

describe('many subscribers', () => {
  it(`T4 of ${subscribers}, every twentieth frozen: the others get everything, memory is bounded, and who thaws gets everything, too`, {
    timeout: 180_000,
  }, async () => {
    const server = await startTestServer();
    const { client, companyId } = server;
    const everybody: Subscriber[] = [];
    onTestFinished(() => {
      for (const { socket } of everybody) socket.terminate();
    });
    const url = `${server.url.replace('http', 'ws')}/api/companies/${companyId}/events/ws`;
    const join = async (index: number): Promise<void> => {
      const socket = new WebSocket(url, ['runbeat.v1'], { perMessageDeflate: false });
      const subscriber: Subscriber = { socket, ids: [], isFrozen: index % frozenShare === 0 };
      everybody.push(subscriber);
      socket.on('error', () => undefined);
      await new Promise<void>((resolve, reject) => {
        socket.on('message', (data) => {
          const message = JSON.parse(String(data));
          if (message.type === 'events') for (const { id } of message.events) subscriber.ids.push(id);
          if (message.type === 'hello') resolve();
        });
        socket.once('close', () => reject(new Error('closed before the greeting')));
      });
    };
    for (let index = 0; index < subscribers; index += 50) {
      await Promise.all(Array.from({ length: Math.min(50, subscribers - index) }, (_, offset) => join(index + offset)));
    }
    const frozen = everybody.filter(({ isFrozen }) => isFrozen);
    for (const { socket } of frozen) socket.pause();
    const before = resourcesOf(server.pid);
    // Long names make long events, so that what a frozen one does not read is more than its socket's buffers take.
    for (let index = 0; index < events; index += 20) {
      await Promise.all(
        Array.from({ length: 20 }, () =>
          client.agents.create(companyId, { name: 'n'.repeat(200), adapterType: 'local', adapterConfig: { command: 'true' } }),
        ),
      );
    }
    const range = Array.from({ length: events }, (_, index) => index + 1);
    const others = everybody.filter(({ isFrozen }) => !isFrozen);
    await waitUntil(
      () => others.every(({ ids }) => ids.length >= events),
      90_000,
      () => `${others.filter(({ ids }) => ids.length < events).length} subscribers to have everything`,
    );
    for (const { ids } of others) expect(ids).toEqual(range);
    const after = resourcesOf(server.pid);
    expect(after.residentKiB - before.residentKiB).toBeLessThan(200_000);
    for (const { socket } of frozen) socket.resume();
    await waitUntil(
      () => frozen.every(({ ids }) => ids.length >= events),
      60_000,
      () => 'the thawed ones to have everything',
    );
    for (const { ids } of frozen) expect(ids).toEqual(range);
    console.log(
      `T4: ${others.length} readers and ${frozen.length} frozen, ${events} events; resident ${Math.round(before.residentKiB / 1_024)} → ${Math.round(after.residentKiB / 1_024)} MiB`,
    );
  });
});
