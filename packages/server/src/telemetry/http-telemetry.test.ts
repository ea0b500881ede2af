import { describe, expect, it } from 'vitest';
import { noLogger } from '../supervisor/ports/index.js';
import { createTelemetry } from './http-telemetry.js';

describe('telemetry', () => {
  const event = { name: 'agent.first_heartbeat', role: 'reviewer' } as const;
  const create = (environment: Record<string, string>, isOn: boolean, fail = false) => {
    const sent: unknown[] = [];
    const telemetry = createTelemetry({
      isOn,
      url: 'http://127.0.0.1:1/events',
      environment,
      logger: noLogger,
      fetch: async (_url, init) => {
        sent.push(JSON.parse(String(init?.body)));
        if (fail) throw new TypeError('fetch failed');
        return new Response(null, { status: 204 });
      },
    });
    return { telemetry, sent };
  };

  it('sends the role and nothing else of the agent', () => {
    const { telemetry, sent } = create({}, true);
    telemetry.track(event);
    expect(sent).toEqual([event]);
  });

  it('is off unless the operator turned it on, and DO_NOT_TRACK wins', () => {
    for (const { telemetry, sent } of [create({}, false), create({ DO_NOT_TRACK: '1' }, true)]) {
      telemetry.track(event);
      expect(sent).toEqual([]);
    }
  });

  it('swallows no more than the event itself when nobody listens', async () => {
    const { telemetry, sent } = create({}, true, true);
    expect(() => telemetry.track(event)).not.toThrow();
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toHaveLength(1);
  });
});
