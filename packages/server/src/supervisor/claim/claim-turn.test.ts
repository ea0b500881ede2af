import { expect, it } from 'vitest';
import { createClaimTurn } from './claim-turn.js';

it('lets claims follow each other in order, also after one that failed', async () => {
  const turn = createClaimTurn();
  const log: string[] = [];
  const claim = (name: string, fails: boolean) =>
    turn.run(async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name} ends`);
      if (fails) throw new RangeError(name);
      return name;
    });
  const answers = await Promise.allSettled([claim('a', false), claim('b', true), claim('c', false)]);
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

it('is given without waiting only while nobody has it or waits for it', async () => {
  const turn = createClaimTurn();
  const leave = turn.tryTake();
  expect(leave).not.toBeNull();
  expect(turn.tryTake()).toBeNull();
  const waiting = turn.run(() => Promise.resolve('claimed'));
  leave?.();
  expect(turn.tryTake()).toBeNull();
  expect(await waiting).toBe('claimed');
  const again = turn.tryTake();
  expect(again).not.toBeNull();
  again?.();
});
