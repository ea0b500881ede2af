import type { Clock, Logger, Metrics } from '../supervisor/ports/index.js';
import type { JournalEntry, Session, SessionPrompt } from './session.js';
import type { SessionSettings } from './session-settings.js';
import type { SessionStore } from './session-store.js';
import type { WorkerEnvironment } from './session-worker.js';

/** What the actor of a session is given. */
export interface SessionActorOptions {
  readonly session: Session;
  readonly unsettledPrompts: readonly SessionPrompt[];
  readonly store: SessionStore;
  /** `recover`: for the process of the session's handle, wherever that is. */
  readonly environment: (session: Session, purpose: 'start' | 'recover') => Promise<WorkerEnvironment>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: SessionSettings;
  readonly onStored: (entries: readonly JournalEntry[]) => void;
  /** Another instance owns the session now. */
  readonly onFenced: () => void;
}
