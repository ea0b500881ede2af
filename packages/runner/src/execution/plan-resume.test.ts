import type { RunHandleV1 } from '@runbeat/adapter-sdk';
import { expect, test } from 'vitest';
import { planResume, type ResumeFacts, type ResumePlan } from './plan-resume.js';

const handle: RunHandleV1 = { kind: 'external', formatVersion: 1, ref: 'x' };
const base: ResumeFacts = { starts: 1, handle, liveness: 'handle', probe: null, goneCount: 0 };

test.each([
  ['nothing was started', { starts: 0, handle: null }, 'execute'],
  ['the adapter is missing and nothing was started', { starts: 0, handle: null, liveness: null }, 'adapter-missing'],
  ['the adapter is missing and the work may live', { liveness: null }, 'adapter-missing'],
  ['attached work of a dead runner', { liveness: 'attached' }, 'terminate-and-lose'],
  ['log-driven work cannot be followed again', { liveness: 'log-driven' }, 'terminate-and-lose'],
  ['it died between start and handle', { handle: null }, 'terminate-and-execute'],
  ['it died there twice', { handle: null, starts: 2 }, 'terminate-and-lose'],
  ['the machine died there', { handle: null, starts: Number.POSITIVE_INFINITY }, 'terminate-and-lose'],
  ['attached work died before its handle', { handle: null, liveness: 'attached' }, 'terminate-and-lose'],
  ['not asked yet', {}, 'probe'],
  ['alive', { probe: 'alive' }, 'reattach'],
  ['ended', { probe: 'ended' }, 'reattach'],
  ['gone once is not believed', { probe: 'gone', goneCount: 1 }, 'wait'],
  ['gone twice is', { probe: 'gone', goneCount: 2 }, 'lose'],
  ['could not find out is never gone', { probe: 'unknown', goneCount: 0 }, 'wait'],
] as [string, Partial<ResumeFacts>, ResumePlan][])('%s → %s', (_name, facts, plan) => {
  expect(planResume({ ...base, ...facts })).toBe(plan);
});
