import { describe, expect, it } from 'vitest';
import { mayHaveWorker, sessionEvents, sessionStates, sessionTransitions, type Transition } from './session-transitions.js';

describe('session transitions', () => {
  it('decides every pair of state and event', () => {
    for (const state of sessionStates) {
      expect(Object.keys(sessionTransitions[state]).sort()).toEqual([...sessionEvents].sort());
      for (const event of sessionEvents)
        expect([...sessionStates, 'refused', 'ignored']).toContain(sessionTransitions[state][event]);
    }
  });

  it('reaches every state from stopped, and can be stopped from every state', () => {
    const reached = new Set<Transition>(['stopped']);
    for (const state of reached) {
      if (state === 'refused' || state === 'ignored') continue;
      for (const event of sessionEvents) reached.add(sessionTransitions[state][event]);
    }
    for (const state of sessionStates) {
      expect(reached).toContain(state);
      expect(['stopping', 'stopped']).toContain(sessionTransitions[state].stop);
    }
  });

  it('refuses a prompt in each state in which one may be in flight or the worker is going', () => {
    for (const state of sessionStates) {
      const isTaken = !['busy', 'cancelling', 'restarting', 'stopping'].includes(state);
      expect([state, sessionTransitions[state].prompt !== 'refused']).toEqual([state, isTaken]);
    }
  });

  it('never stays busy when the worker is gone', () => {
    for (const event of ['ended', 'ended_well', 'broken'] as const) {
      for (const state of ['busy', 'cancelling'] as const)
        expect(['error', 'crashed']).toContain(sessionTransitions[state][event]);
    }
    expect(mayHaveWorker('crashed')).toBe(false);
  });
});
