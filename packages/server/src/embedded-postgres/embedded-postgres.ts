import { setTimeout as delay } from 'node:timers/promises';
import { ServerError } from '../server-error.js';
import type { Logger } from '../supervisor/ports/index.js';
import { locateBinaries, type PostgresBinaries } from './binaries.js';
import { type DatabaseFolder, prepareDatabaseFolder } from './database-folder.js';
import { type DatabaseUser, findDatabaseUser } from './database-user.js';
import { findFreePort } from './free-port.js';
import { databaseOwner, initialiseDatabase } from './initialise.js';
import { type OwnerWatchdog, startOwnerWatchdog } from './owner-watchdog.js';
import { findLivingPostmaster, type Postmaster, startPostmaster, stopPostmaster } from './postmaster.js';
import { isProcessAlive } from './system-process.js';

/**
 * The PostgreSQL that a server without `DATABASE_URL` brings along, in `<home>/db`.
 *
 * States: `stopped` → `start()` → `running` → `stop()` → `stopped`. While `running` it is watched: when PostgreSQL ends
 * by itself (killed, out of memory) it is started again on the same port, so the connection string stays true. The caller
 * holds the home's lock, hence nobody else starts one here.
 */
export interface EmbeddedPostgres {
  /** Adopts the one that outlived a killed server, else starts one. Rejects with `database_start_failed`. */
  start(): Promise<{
    readonly connectionString: string;
    readonly port: number;
    readonly pid: number;
    readonly wasAdopted: boolean;
  }>;
  /** Shuts PostgreSQL down in order. Idempotent. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly home: string;
  readonly logger: Logger;
  /** Other programs than those of the npm package; for tests with an older PostgreSQL. */
  readonly binaries?: PostgresBinaries;
  /**
   * Called when `initdb` or `postgres` runs, or a living server was found: from here on `start` mostly waits, and the caller
   * may keep this process busy with other work. May be called more than once.
   */
  readonly onWorking?: () => void;
  /** Further server settings, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly startTimeoutMs?: number;
  readonly stopLimitMs?: number;
  /** How long PostgreSQL lives on without an owner. */
  readonly orphanMs?: number;
  readonly beatMs?: number;
}

export function createEmbeddedPostgres(options: EmbeddedPostgresOptions): EmbeddedPostgres {
  return new ManagedPostgres(options);
}

const portAttempts = 5;
const restartDelaysMs = [100, 1_000, 5_000, 15_000];

class ManagedPostgres implements EmbeddedPostgres {
  readonly #options: EmbeddedPostgresOptions;
  /** Set once by the first `start`. */
  #place: { folder: DatabaseFolder; binaries: PostgresBinaries; user: DatabaseUser | null } | null = null;
  /** The living server; null while stopped and between a death and the restart. */
  #postmaster: Postmaster | null = null;
  #watchdog: OwnerWatchdog | null = null;
  /** Looks after an adopted server, whose exit is not told to us. */
  #adoptedTimer: NodeJS.Timeout | null = null;
  /** Ends restarts; new with each `start`. */
  #running: AbortController | null = null;
  #restart: Promise<void> | null = null;

  constructor(options: EmbeddedPostgresOptions) {
    this.#options = options;
  }

  async start() {
    this.#running ??= new AbortController();
    const user = this.#place?.user ?? (await findDatabaseUser());
    const binaries = this.#options.binaries ?? (await locateBinaries(user));
    const folder = await prepareDatabaseFolder(this.#options.home, user);
    this.#place = { folder, binaries, user };
    const created = await initialiseDatabase({ folder, binaries, user, onSpawn: this.#options.onWorking });
    const found = created === 'created' ? null : await findLivingPostmaster(folder, this.#startTimeoutMs);
    if (found !== null) this.#options.onWorking?.();
    const postmaster = found ?? (await this.#startNew(null));
    await this.#own(postmaster, found !== null);
    return {
      connectionString: `postgresql://${databaseOwner}:${folder.password}@127.0.0.1:${postmaster.port}/postgres`,
      port: postmaster.port,
      pid: postmaster.pid,
      wasAdopted: found !== null,
    };
  }

  async stop(): Promise<void> {
    this.#running?.abort();
    this.#running = null;
    await this.#restart;
    this.#disown();
    const postmaster = this.#postmaster;
    this.#postmaster = null;
    if (postmaster === null) return;
    const how = await stopPostmaster(postmaster, this.#options.stopLimitMs ?? 10_000);
    if (how === 'forced')
      this.#options.logger.warn({ pid: postmaster.pid }, 'the database did not shut down in time and was ended');
  }

  get #startTimeoutMs(): number {
    return this.#options.startTimeoutMs ?? 60_000;
  }

  async #startNew(fixedPort: number | null): Promise<Postmaster> {
    const { folder, binaries, user } = this.#requirePlace();
    let reason = '';
    for (let attempt = 0; attempt < portAttempts; attempt += 1) {
      const result = await startPostmaster({
        folder,
        binaries,
        user,
        port: fixedPort ?? (await findFreePort()),
        timeoutMs: this.#startTimeoutMs,
        settings: this.#options.settings,
        onSpawn: this.#options.onWorking,
        onExit: () => this.#onEnd(),
      });
      if (!('failure' in result)) return result;
      reason = result.reason;
      if (result.failure === 'failed') break;
      // Processes of a killed server hold the folder for a moment longer, and so may a connection hold the port.
      await delay(200 * (attempt + 1));
    }
    throw new ServerError(
      'database_start_failed',
      `The built-in PostgreSQL did not start (${reason}). Its log is ${folder.log}. Mend what it names, or set DATABASE_URL to a PostgreSQL of your own.`,
    );
  }

  async #own(postmaster: Postmaster, isAdopted: boolean): Promise<void> {
    const { folder, user } = this.#requirePlace();
    const { logger } = this.#options;
    this.#disown();
    this.#postmaster = postmaster;
    const beatMs = this.#options.beatMs ?? 15_000;
    this.#watchdog = await startOwnerWatchdog({
      beatFile: folder.ownerBeat,
      postmasterPid: postmaster.pid,
      user,
      beatMs,
      orphanMs: this.#options.orphanMs ?? 600_000,
      onError: (error) => logger.warn({ err: error }, 'the watchdog of the built-in database has trouble'),
    });
    if (!isAdopted) return;
    this.#adoptedTimer = setInterval(() => {
      isProcessAlive(postmaster.pid).then(
        (isAlive) => {
          if (!isAlive && this.#postmaster === postmaster) this.#onEnd();
        },
        (error: unknown) => logger.warn({ err: error }, 'cannot look at the database process'),
      );
    }, 500);
    this.#adoptedTimer.unref();
  }

  #disown(): void {
    this.#watchdog?.stop();
    this.#watchdog = null;
    if (this.#adoptedTimer !== null) clearInterval(this.#adoptedTimer);
    this.#adoptedTimer = null;
  }

  /** PostgreSQL ended. Expected after `stop` and while a start fails; otherwise it is brought back. */
  #onEnd(): void {
    const lost = this.#postmaster;
    if (lost === null || this.#running === null || this.#restart !== null) return;
    this.#postmaster = null;
    this.#disown();
    this.#options.logger.error({ pid: lost.pid }, 'the built-in database ended unexpectedly and is started again');
    this.#restart = this.#bringBack(lost.port, this.#running.signal).finally(() => {
      this.#restart = null;
    });
  }

  async #bringBack(port: number, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const waitMs = restartDelaysMs[Math.min(attempt, restartDelaysMs.length - 1)] ?? 1_000;
      try {
        await delay(waitMs, undefined, { signal });
        const { folder } = this.#requirePlace();
        const living = await findLivingPostmaster(folder, this.#startTimeoutMs);
        await this.#own(living ?? (await this.#startNew(port)), living !== null);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#options.logger.error({ err: error, attempt }, 'the built-in database could not be started again yet');
      }
    }
  }

  #requirePlace() {
    if (this.#place === null) throw new ServerError('database_start_failed', 'The built-in database was not started.');
    return this.#place;
  }
}
