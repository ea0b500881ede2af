import { cursorLimitBytes, type LogMarkV1, type OutputStreamV1, type RunEventV1, type RunSinksV1 } from '@runbeat/adapter-sdk';
import type { RunLogWriter } from '../logs/run-log-writer.js';
import { withoutSecrets } from '../logs/without-secrets.js';
import { errorCodeOf, errorMessageOf, type Run, SupervisorError } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork } from '../transaction/unit-of-work.js';

/** Events of one run that are kept; a flood of them must not fill the database. */
const keptEvents = 1_000;

/** What an adapter reports to, for `execute` and `reattach` alike. */
export function createRunSinks(
  dependencies: SupervisorDependencies,
  options: {
    readonly run: Run;
    readonly log: RunLogWriter;
    /** Replaced in events, as in the log. */
    readonly secrets: readonly string[];
    readonly onActivity: () => void;
    readonly onAlive: () => void;
    /** True when the run ended or was taken away: late calls are refused. */
    readonly isClosed: () => boolean;
  },
): RunSinksV1 {
  let eventCount = 0;
  return {
    onLog(stream: OutputStreamV1, text: string, mark?: LogMarkV1) {
      if (options.isClosed()) return Promise.reject(closed(options.run));
      if (mark?.cursor !== undefined && mark.cursor.length > cursorLimitBytes) {
        return Promise.reject(new SupervisorError('invalid_state', `A log cursor may take ${cursorLimitBytes} bytes.`));
      }
      options.onActivity();
      return options.log.write(stream, text, mark);
    },
    onAlive() {
      if (options.isClosed()) return Promise.reject(closed(options.run));
      options.onActivity();
      options.onAlive();
      return Promise.resolve();
    },
    async onEvent(rawEvent: RunEventV1) {
      if (options.isClosed()) throw closed(options.run);
      const event = withoutSecrets(rawEvent, options.secrets);
      options.onActivity();
      eventCount += 1;
      if (eventCount > keptEvents) return;
      const isLast = eventCount === keptEvents;
      try {
        await inUnitOfWork(dependencies, async (unit) => {
          unit.runEvent(options.run, event);
          if (isLast)
            unit.runEvent(options.run, {
              type: 'events-limited',
              level: 'warn',
              message: `Only the first ${keptEvents} events of this run are kept.`,
            });
        });
      } catch (error) {
        // An event is a remark; the run must not fail because one could not be written down.
        dependencies.metrics.count('run_event_errors_total');
        dependencies.logger.warn(
          { runId: options.run.id, event: event.type, code: errorCodeOf(error), error: errorMessageOf(error) },
          'event not stored',
        );
      }
    },
  };
}

function closed(run: Run): SupervisorError {
  return new SupervisorError('run_fenced', `Run ${run.id} has ended here; nothing more is taken for it.`);
}
