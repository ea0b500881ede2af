import type { Database } from '../db/index.js';
import type { ReadinessCheck } from '../http/services.js';
import { ServerError } from '../server-error.js';
import type { Supervisor } from '../supervisor/supervisor.js';

/** What `/readyz` asks: the database answers (its migrations ran before the door opened), and this instance may write. */
export function readinessChecks(parts: {
  readonly database: Database;
  readonly supervisor: Supervisor;
}): readonly ReadinessCheck[] {
  return [
    {
      name: 'database',
      async run() {
        await parts.database.pool.query('SELECT 1');
        return 'it answers, migrated';
      },
    },
    {
      name: 'lease',
      async run() {
        if (!parts.supervisor.isLeaseHeld())
          throw new ServerError('database_unavailable', 'this instance does not hold its lease; it starts nothing until it does');
        return `held, ${parts.supervisor.activeRunIds().length} runs here`;
      },
    },
  ];
}
