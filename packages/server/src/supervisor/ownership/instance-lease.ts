import { createId, errorCodeOf, errorMessageOf, type InstanceId, type ServerInstance } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';

/**
 * This process's right to write. States:
 * - `none`: before `register`. Nothing is written.
 * - `held`: until `leaseMs` after the last renewal was *sent*, by the monotonic clock, so also after a SIGSTOP.
 * - `lost`: the time passed, or the database said so. `onLost` was called; nothing is written; `renew` registers anew,
 *   under a new id, since others may have adopted this one's runs.
 * - `ended`: after `end`.
 */
export interface InstanceLease {
  /** The id under which runs are owned now. */
  readonly instanceId: () => InstanceId;
  readonly isHeld: () => boolean;
  /** Ends predecessors of this host whose process is gone, then registers. Rejects when the store cannot be reached. */
  register(): Promise<void>;
  /** One renewal; called by its loop. Resolves with whether a new registration took place (its runs are orphans now). */
  renew(): Promise<{ readonly isNew: boolean }>;
  end(): Promise<void>;
}

export function createInstanceLease(
  dependencies: SupervisorDependencies,
  options: { readonly onLost: () => void },
): InstanceLease {
  const { clock, logger, metrics, processes, settings, store } = dependencies;
  const isOnly = dependencies.isOnlyInstance ?? false;
  let id = createId<InstanceId>(clock.now());
  let state: 'none' | 'held' | 'lost' | 'ended' = 'none';
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  let cancelExpiry: (() => void) | null = null;

  const lose = (why: string): void => {
    if (state !== 'held') return;
    state = 'lost';
    cancelExpiry?.();
    metrics.count('instance_lease_lost_total');
    logger.error({ instanceId: id, why }, 'the lease of this instance is lost: its runs are left to others');
    options.onLost();
  };
  const isHeld = (): boolean => {
    if (state !== 'held') return false;
    if (isOnly || clock.monotonicMs() < heldUntilMs) return true;
    // Timers of a process that was stopped are late; whoever asks first notices.
    lose('it was not renewed in time');
    return false;
  };
  const hold = (sentAtMs: number): void => {
    state = 'held';
    heldUntilMs = sentAtMs + settings.instanceLeaseMs;
    cancelExpiry?.();
    cancelExpiry = clock.setTimer(Math.max(0, heldUntilMs - clock.monotonicMs()), () => isHeld());
  };
  const registerNow = async (): Promise<void> => {
    const sentAtMs = clock.monotonicMs();
    const now = clock.now();
    const instance: ServerInstance = {
      id,
      host: processes.self.host,
      pid: processes.self.pid,
      hostBootId: processes.self.hostBootId,
      processStartTicks: processes.self.processStartTicks,
      version: dependencies.version,
      startedAt: now,
      leaseExpiresAt: new Date(now.getTime() + settings.instanceLeaseMs),
      endedAt: null,
    };
    await store.registerInstance(instance);
    hold(sentAtMs);
  };
  const endDeadPredecessors = async (): Promise<void> => {
    for (const other of await store.listInstances()) {
      if (other.endedAt !== null || other.id === id || other.host !== processes.self.host) continue;
      if ((await processes.isInstanceAlive(other)) !== false) continue;
      logger.info(
        { predecessor: other.id, pid: other.pid },
        'a predecessor on this host is gone; its runs need not wait for its lease',
      );
      await store.endInstance(other.id, clock.now());
    }
  };

  return {
    instanceId: () => id,
    isHeld,
    async register() {
      await endDeadPredecessors();
      await registerNow();
    },
    async renew() {
      if (state === 'ended' || state === 'none') return { isNew: false };
      if (isHeld()) {
        const sentAtMs = clock.monotonicMs();
        try {
          if (await store.renewLease(id, { now: clock.now(), leaseMs: settings.instanceLeaseMs })) {
            hold(sentAtMs);
            return { isNew: false };
          }
        } catch (error) {
          logger.warn({ code: errorCodeOf(error), error: errorMessageOf(error) }, 'the lease could not be renewed, trying again');
          return { isNew: false };
        }
        if (isOnly) {
          // The row expired while the database was away, and nobody else was there to take anything.
          await registerNow();
          return { isNew: false };
        }
        lose('the database says that it had expired');
      }
      const lostId = id;
      await store.endInstance(lostId, clock.now());
      id = createId<InstanceId>(clock.now());
      await registerNow();
      logger.info({ instanceId: id, formerly: lostId }, 'registered anew');
      return { isNew: true };
    },
    async end() {
      cancelExpiry?.();
      const wasRegistered = state !== 'none' && state !== 'ended';
      state = 'ended';
      if (wasRegistered) await store.endInstance(id, clock.now());
    },
  };
}
