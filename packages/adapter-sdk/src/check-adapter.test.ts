import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkAdapter } from './check-adapter.js';

const attached = {
  specVersion: 'adapter-v1',
  type: 'acme',
  configSchema: z.object({}),
  hasOutOfProcessLiveness: false,
  execute: async () => ({ status: 'succeeded' }),
};
const handle = { kind: 'handle', probe: async () => {}, reattach: async () => {}, terminate: async () => {} };

describe('checkAdapter', () => {
  it('accepts each kind of adapter and returns the very object', () => {
    for (const adapter of [
      attached,
      { ...attached, hasOutOfProcessLiveness: true, outOfProcess: handle },
      { ...attached, hasOutOfProcessLiveness: true, outOfProcess: { kind: 'log-driven', terminate: async () => {} } },
      {
        ...attached,
        interactive: { protocol: 'acp', open: async () => {} },
        maxConcurrentRuns: 3,
        testEnvironment: async () => {},
      },
    ]) {
      const check = checkAdapter(adapter);
      expect(check).toEqual({ ok: true, adapter });
      expect(check.ok && check.adapter).toBe(adapter);
    }
  });

  it.each([
    ['specVersion', { ...attached, specVersion: 'adapter-v9' }, 'adapter_incompatible'],
    ['specVersion', { ...attached, specVersion: undefined }, 'adapter_incompatible'],
    ['type', { ...attached, type: 'Acme' }, 'adapter_invalid'],
    ['type', { ...attached, type: `a${'b'.repeat(63)}` }, 'adapter_invalid'],
    ['configSchema', { ...attached, configSchema: { type: 'object' } }, 'adapter_invalid'],
    ['execute', { ...attached, execute: 'run' }, 'adapter_invalid'],
    ['hasOutOfProcessLiveness', { ...attached, hasOutOfProcessLiveness: undefined }, 'adapter_invalid'],
    ['outOfProcess', { ...attached, hasOutOfProcessLiveness: true }, 'adapter_invalid'],
    ['outOfProcess', { ...attached, outOfProcess: handle }, 'adapter_invalid'],
    ['outOfProcess.kind', { ...attached, hasOutOfProcessLiveness: true, outOfProcess: { kind: 'magic' } }, 'adapter_invalid'],
    [
      'outOfProcess.probe',
      { ...attached, hasOutOfProcessLiveness: true, outOfProcess: { ...handle, probe: undefined } },
      'adapter_invalid',
    ],
    [
      'outOfProcess.probe',
      { ...attached, hasOutOfProcessLiveness: true, outOfProcess: { ...handle, kind: 'log-driven', reattach: undefined } },
      'adapter_invalid',
    ],
    ['maxConcurrentRuns', { ...attached, maxConcurrentRuns: 0 }, 'adapter_invalid'],
    ['testEnvironment', { ...attached, testEnvironment: {} }, 'adapter_invalid'],
    ['interactive.protocol', { ...attached, interactive: { protocol: 'telnet', open: async () => {} } }, 'adapter_invalid'],
    ['interactive.open', { ...attached, interactive: { protocol: 'acp' } }, 'adapter_invalid'],
    ['', 'adapter', 'adapter_invalid'],
    ['', null, 'adapter_invalid'],
  ])('refuses a wrong `%s` and names it', (field, value, code) => {
    const check = checkAdapter(value);
    expect(check.ok ? [] : check.problems).toEqual([{ field, code, message: expect.any(String) }]);
    if (!check.ok && field !== '') expect(check.problems[0]?.message).toContain(field);
  });

  it('lists the supported spec versions', () => {
    const check = checkAdapter({ ...attached, specVersion: 'adapter-v9' });
    expect(check.ok ? '' : check.problems[0]?.message).toContain("'adapter-v9'; supported here: 'adapter-v1'");
  });

  it('reports all problems at once', () => {
    const check = checkAdapter({ specVersion: 'adapter-v1' });
    expect(check.ok ? [] : check.problems.map(({ field }) => field)).toEqual([
      'type',
      'configSchema',
      'execute',
      'hasOutOfProcessLiveness',
    ]);
  });
});
