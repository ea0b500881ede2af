import { z } from 'zod';

const ms = (defaultMs: number, description: string) => z.int().positive().default(defaultMs).describe(description);

/** The thresholds of the runner protocol; the server tells them to its runners with each session. */
export const runnerSettingsSchema = z.strictObject({
  runnerPollWaitMs: z.int().positive().max(25_000).default(20_000).describe('a poll of a runner is held this long'),
  runnerPollGraceMs: ms(10_000, 'a poll or heartbeat may be late by this much before the link counts as down'),
  runnerHeartbeatMs: ms(15_000, 'a runner sends a heartbeat this often'),
  runnerLeaseMs: ms(45_000, 'runs of a runner without a heartbeat for this long are detached'),
  runnerDisconnectGraceMs: ms(600_000, 'a detached run is waited for this long before it is lost and may run elsewhere'),
  runnerOfferMs: ms(15_000, 'an offer that its runner does not claim for this long goes to another one, if there is one'),
  runnerFinishWaitMs: ms(2_000, 'a finish is held this long for the run to be settled before it is answered with 202'),
});

export type RunnerSettings = z.infer<typeof runnerSettingsSchema>;
