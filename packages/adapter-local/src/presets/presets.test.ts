import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutputReport } from '../run/process-spec.js';
import { type PresetName, presetNames, presets } from './index.js';

function report(preset: PresetName, recording: string, succeeded = true): OutputReport {
  const parser = presets[preset].createParser();
  const file = new URL(`../../test/fixtures/cli-output/${recording}.jsonl`, import.meta.url);
  for (const line of readFileSync(file, 'utf8').split('\n')) parser.push(line);
  return parser.finish({ succeeded });
}

describe('claude', () => {
  it('reports session, model, cost, usage and the answer', () => {
    expect(report('claude', 'claude-success')).toEqual({
      provider: 'anthropic',
      model: 'claude-sonnet-4-5-20250929',
      session: { id: '5f1c2c5e-7b60-4f3a-9a53-0c7f6c5d2a11' },
      costUsd: 0.0731455,
      summary: 'The test passes now. The date was parsed in local time; it is parsed as UTC now.',
      usage: { inputTokens: 94_561, cachedInputTokens: 88_410, outputTokens: 912 },
    });
  });

  it('knows a usage limit and when it ends', () => {
    expect(report('claude', 'claude-usage-limit', false).failure).toEqual({
      code: 'local.rate_limited',
      message: 'Claude AI usage limit reached|1767225600',
      retryable: true,
      retryNotBefore: '2026-01-01T00:00:00.000Z',
    });
  });

  it('takes an end without an answer for a failure', () => {
    expect(report('claude', 'claude-max-turns').failure).toEqual({
      code: 'local.agent_failed',
      message: 'The agent ended with error_max_turns.',
      retryable: false,
    });
  });
});

describe('codex', () => {
  it('reports the thread, usage and the last message, and forgives reconnects', () => {
    expect(report('codex', 'codex-success')).toEqual({
      provider: 'openai',
      session: { id: '0199a213-81c0-7800-8aa1-bbab2a035a53' },
      summary: 'Fixed: dates are parsed as UTC.',
      usage: { inputTokens: 24_763, cachedInputTokens: 24_448, outputTokens: 122 },
    });
  });

  it('knows a rate limit', () => {
    expect(report('codex', 'codex-rate-limit', false).failure).toMatchObject({ code: 'local.rate_limited', retryable: true });
  });
});

describe('gemini', () => {
  it('reports the answer after the last tool, and no warning as failure', () => {
    expect(report('gemini', 'gemini-success')).toEqual({
      provider: 'google',
      model: 'gemini-2.5-pro',
      session: { id: 'c0f7a1d2-55aa-4f0b-8f57-6f5d4a2f9b10' },
      summary: 'Fixed: dates are parsed as UTC.',
      usage: { inputTokens: 5_000, cachedInputTokens: 1_200, outputTokens: 210 },
    });
  });

  it('knows an exhausted quota', () => {
    expect(report('gemini', 'gemini-quota', false).failure).toMatchObject({ code: 'local.rate_limited', retryable: true });
  });
});

describe.each(presetNames)('%s', (name) => {
  it('resumes a session and keeps the operator’s own arguments', () => {
    const fresh = presets[name].args({ sessionId: null, extra: ['--model', 'm'] });
    const resumed = presets[name].args({ sessionId: 'abc', extra: [] });
    expect(fresh).toEqual(expect.arrayContaining(['--model', 'm']));
    expect(fresh).not.toContain('abc');
    expect(resumed).toContain('abc');
  });

  it('survives any line', () => {
    const types = ['result', 'system', 'error', 'item.completed', 'turn.completed', 'turn.failed', 'message', 'init'];
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          type: fc.constantFrom(...types),
          usage: fc.jsonValue(),
          item: fc.jsonValue(),
          error: fc.jsonValue(),
          stats: fc.jsonValue(),
          result: fc.jsonValue(),
        })
        .map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const parser = presets[name].createParser();
        for (const one of lines) parser.push(one);
        expect(JSON.parse(JSON.stringify(parser.finish({ succeeded: true })))).toBeTypeOf('object');
      }),
    );
  });
});
