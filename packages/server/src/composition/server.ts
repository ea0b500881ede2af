import type { AdapterV1 } from '@runbeat/adapter-sdk';
import type { RawServerSettings, ServerSettings } from '../settings/server-settings.js';
import type { InstanceId } from '../supervisor/model/index.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import type { Installation } from './installation.js';

/** What `createServer` takes. */
export interface CreateServerOptions {
  /** Parsed settings, or some of them; `home` is needed. */
  readonly settings: ServerSettings | RawServerSettings;
  /**
   * Adapters in code, run in this process. A function is called once per start, when the database is open. Packages are
   * named in `settings.adapters` or installed at run time.
   */
  readonly adapters: readonly AdapterV1[] | ((installation: Installation) => readonly AdapterV1[]);
  /** Where secrets (`RUNBEAT_SECRET_…`) are looked for, and what configured adapters may be given; default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** File descriptor of the server's own log; default 1 (stdout). */
  readonly logDescriptor?: 1 | 2;
}

/**
 * A server in this process. States: `new` → `start()` → `listening` → `close()` → `closed`, for good. A start that
 * rejects has closed what it had opened.
 */
export interface RunbeatServer {
  /** Resolves when requests are answered and runs of an earlier server are taken over. */
  start(): Promise<void>;
  /** Orderly, within `shutdownGraceMs`: attached work is stopped, out-of-process work goes on. Idempotent. */
  close(): Promise<void>;
  /** `http://host:port`; empty before `start`. */
  readonly url: string;
  /** An operator's token of this process, for programs of the same user; empty before `start`. */
  readonly localToken: string;
  readonly instanceId: () => InstanceId;
  readonly settings: ServerSettings;
  /** The supervisor itself, for programs that embed the server. Rejects every call before `start`. */
  readonly supervisor: () => Supervisor;
}
