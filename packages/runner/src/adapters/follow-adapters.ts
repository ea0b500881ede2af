import { createRetryTimes, type LoadedAdapter, planFollow } from '@runbeat/adapter-host';
import type { RunnerAdapterIssue } from '@runbeat/protocol';
import type { RunnerClock } from '../runner-clock.js';
import type { RunnerLogger } from '../runner-logger.js';
import type { RunnerClientSettings } from '../runner-settings.js';
import type { AdapterHome } from './adapter-home.js';
import { faultFrom, issueOf } from './adapter-issue.js';
import { type AdapterSlot, followedFrom, type RunningAdapter } from './adapter-slot.js';
import type { InstalledAdapter } from './installed-list.js';
import { loadInstalled } from './load-installed.js';
import { typesAtWork } from './types-at-work.js';
import { watchInstalledList } from './watch-list.js';

/** The installed adapters of a runner's process: loads them, follows the list while it works, lets go of what was removed. */
export interface AdapterFollower {
  /** Resolves when each installed adapter was tried once, or after `adaptersStartMs`: the others follow in the background. */
  start(): Promise<void>;
  /** Those that take new work. */
  offered(): readonly LoadedAdapter[];
  /** Those that take no new work; jobs that were claimed for them still find them. */
  retired(): readonly LoadedAdapter[];
  issues(): RunnerAdapterIssue[];
  /** Ends all workers; the jobs have settled before. */
  close(): Promise<void>;
}

export interface AdapterFollowerOptions {
  readonly home: string;
  readonly adapters: AdapterHome;
  /** Aborted by `close`; the home's own waits end with it too. */
  readonly closing: AbortController;
  /** Types of the adapters that the runner was given in code: they win. */
  reservedTypes(): ReadonlySet<string>;
  readonly settings: Pick<RunnerClientSettings, 'adaptersLookMs' | 'adapterHandoverMs' | 'adaptersStartMs'>;
  readonly clock: RunnerClock;
  readonly logger: RunnerLogger;
  /** `offered`, `retired` or `issues` answer something new. */
  onChange(): void;
}

/** Everything that is under way ends with the signal; this is for what does not. */
const CLOSE_LIMIT_MS = 3_000;

export function createAdapterFollower(options: AdapterFollowerOptions): AdapterFollower {
  const { home, adapters, closing, settings, clock, logger, onChange } = options;
  // A job looks its adapter up shortly before it calls it: one that is replaced or removed takes calls for this long.
  const handoverMs = settings.adapterHandoverMs;
  const slots = new Map<string, AdapterSlot>();
  /** Versions before, until their last job has ended. */
  const replaced = new Set<RunningAdapter>();
  /** By package: one step at a time. Whoever ends one looks again. */
  const atWork = new Map<string, Promise<void>>();
  const background = new Set<Promise<void>>();
  const retries = createRetryTimes(clock);
  let listFault: { readonly code: string; readonly message: string } | null = null;
  let looking: Promise<void> | null = null;
  let isLookWanted = false;
  let stopWatching = (): void => {};

  function track(what: string, work: Promise<void>): Promise<void> {
    const tracked = work
      .catch((error: unknown) => {
        if (!closing.signal.aborted) logger.error({ err: error }, what);
      })
      .finally(() => background.delete(tracked));
    background.add(tracked);
    return tracked;
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        closing.signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = clock.setTimer(ms, end);
      closing.signal.addEventListener('abort', end);
    });
  }

  /** One look at a time; a change that comes while one goes on asks for another one after it. */
  function look(): Promise<void> {
    isLookWanted = true;
    looking ??= track('The installed adapters could not be looked up', lookLoop()).finally(() => {
      looking = null;
    });
    return looking;
  }

  async function lookLoop(): Promise<void> {
    while (isLookWanted && !closing.signal.aborted) {
      isLookWanted = false;
      const rows = await readList();
      if (rows === null) continue;
      for (const step of planFollow(rows, [...slots.values()].map(followedFrom))) {
        if (step.step === 'retire') retire(step.packageName);
        else if (isDue(step.row)) begin(step.row.packageName, () => load(step.row));
      }
      for (const row of rows.filter(isMissedByItsJobs)) begin(row.packageName, () => load(row));
      await finishRemovals(rows);
    }
  }

  async function readList(): Promise<readonly InstalledAdapter[] | null> {
    try {
      const rows = await adapters.list();
      if (listFault !== null) tellListFault(null);
      return rows;
    } catch (error) {
      const fault = faultFrom(error);
      // Everything stays as it was loaded.
      if (listFault?.message !== fault.message) {
        logger.error({ err: error }, 'The list of installed adapters cannot be read');
        tellListFault(fault);
      }
      return null;
    }
  }

  function tellListFault(fault: typeof listFault): void {
    listFault = fault;
    onChange();
  }

  function isDue(row: InstalledAdapter): boolean {
    const slot = slots.get(row.packageName);
    return slot === undefined || slot.entry.revision !== row.revision || retries.isDue(row.packageName);
  }

  /** It is to go and could not be loaded, so its last jobs wait for it. */
  function isMissedByItsJobs(row: InstalledAdapter): boolean {
    const slot = slots.get(row.packageName);
    return slot !== undefined && slot.retiredAtMs !== null && slot.fault !== null && slot.current === null && isDue(row);
  }

  function begin(packageName: string, work: () => Promise<void>): void {
    if (atWork.has(packageName)) return;
    let isDone = false;
    const done = work().then(() => {
      isDone = true;
    });
    const step = track(`The adapter package ${packageName} could not be followed`, done).finally(() => {
      atWork.delete(packageName);
      // What failed waits for the next regular look.
      if (isDone) void look();
    });
    atWork.set(packageName, step);
  }

  async function load(row: InstalledAdapter): Promise<void> {
    const { packageName: name, version } = row;
    const slot = slots.get(name) ?? { entry: row, current: null, fault: null, retiredAtMs: null };
    slots.set(name, slot);
    slot.entry = row;
    if (row.removalRequestedAt === null) slot.retiredAtMs = null;
    if (row.removalRequestedAt !== null && !(await typesAtWork(home)).has(row.adapterType)) {
      // Left by the process before, and nobody needs it: it is not even loaded.
      slot.retiredAtMs = Number.NEGATIVE_INFINITY;
      return;
    }
    try {
      const next = await loadInstalled({ adapters, row, reservedTypes: options.reservedTypes(), signal: closing.signal });
      if (closing.signal.aborted) return await next.loaded.close();
      const before = slot.current;
      slot.current = next;
      slot.fault = null;
      slot.retiredAtMs = row.removalRequestedAt === null ? null : clock.monotonicMs();
      next.loaded.onStateChange(() => onChange());
      retries.succeeded(name);
      logger.info({ packageName: name, version, adapterType: row.adapterType }, 'an installed adapter was loaded');
      if (before) replaced.add(before);
      if (before) void track(`Version ${before.version} of ${name} could not be put away`, letGo(before));
    } catch (error) {
      if (closing.signal.aborted) return;
      slot.fault = faultFrom(error);
      retries.failed(name);
      logger.error({ err: error, packageName: name, version }, 'an installed adapter cannot be used; it is tried again');
    }
    onChange();
  }

  /** Jobs keep the version that they were started with. */
  async function letGo(before: RunningAdapter): Promise<void> {
    await pause(handoverMs);
    await before.loaded.drain({ signal: closing.signal });
    await before.loaded.close();
    replaced.delete(before);
    await tidy();
  }

  function retire(packageName: string): void {
    const slot = slots.get(packageName);
    if (!slot || atWork.has(packageName)) return;
    slot.retiredAtMs = clock.monotonicMs();
    logger.info({ packageName, adapterType: slot.entry.adapterType }, 'an installed adapter takes no new work: it was removed');
    onChange();
  }

  async function finishRemovals(rows: readonly InstalledAdapter[]): Promise<void> {
    const retired = [...slots].filter(([, slot]) => slot.retiredAtMs !== null);
    if (retired.length === 0) return;
    const types = await typesAtWork(home);
    for (const [name, slot] of retired) {
      const isWanted = rows.some((row) => row.packageName === name && row.removalRequestedAt === null);
      const isHandedOver = clock.monotonicMs() - (slot.retiredAtMs ?? 0) >= handoverMs;
      const isAtWork = (slot.current?.loaded.runningRuns ?? 0) > 0 || types.has(slot.entry.adapterType);
      if (!isWanted && isHandedOver && !isAtWork) begin(name, () => finishRemoval(name, slot));
    }
  }

  async function finishRemoval(name: string, slot: AdapterSlot): Promise<void> {
    const isGone = await adapters.change(async (before) => {
      const entry = before.find((one) => one.packageName === name);
      if (entry === undefined) return { after: before, result: true };
      // Installed again in this very moment.
      if (entry.removalRequestedAt === null) return { after: before, result: false };
      return { after: before.filter((one) => one !== entry), result: true };
    });
    if (!isGone) return;
    slots.delete(name);
    await slot.current?.loaded.close();
    logger.info({ packageName: name, adapterType: slot.entry.adapterType }, 'an installed adapter was removed');
    onChange();
    await tidy();
  }

  function tidy(): Promise<void> {
    const inUse = [...[...slots.values()].map(({ current }) => current), ...replaced].filter((one) => one !== null);
    return adapters.removeUnused(new Set(inUse.map(({ folder }) => folder)));
  }

  return {
    async start() {
      stopWatching = watchInstalledList({
        folder: adapters.folder,
        everyMs: settings.adaptersLookMs,
        clock,
        onChange: () => void look(),
      });
      await look();
      await Promise.race([Promise.all(atWork.values()), pause(settings.adaptersStartMs)]);
      void track('Unused adapter packages could not be deleted', tidy());
    },
    offered: () => loadedOf(slots, (slot) => slot.retiredAtMs === null),
    retired: () => loadedOf(slots, (slot) => slot.retiredAtMs !== null),
    issues: () => [
      ...(listFault === null ? [] : [{ package: null, ...listFault }]),
      ...[...slots.values()].map(issueOf).filter((issue) => issue !== null),
    ],
    async close() {
      closing.abort();
      stopWatching();
      let cancelLimit = (): void => {};
      const limit = new Promise<void>((resolve) => {
        cancelLimit = clock.setTimer(CLOSE_LIMIT_MS, resolve);
      });
      await Promise.race([Promise.all(background), limit]);
      cancelLimit();
      const running = [...[...slots.values()].map(({ current }) => current), ...replaced];
      await Promise.all(running.map((one) => one?.loaded.close()));
    },
  };
}

function loadedOf(slots: ReadonlyMap<string, AdapterSlot>, isWanted: (slot: AdapterSlot) => boolean): LoadedAdapter[] {
  return [...slots.values()].filter(isWanted).flatMap(({ current }) => (current === null ? [] : [current.loaded]));
}
