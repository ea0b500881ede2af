import { isTerminalRunStatus } from '../supervisor/model/index.js';
import type { LogStore, RunStore } from '../supervisor/ports/index.js';
import type { LogTopicSource } from './log-topic.js';

/** What log topics read, over the server's stores. */
export function createLogTopicSource(stores: {
  readonly logStore: Pick<LogStore, 'read'>;
  readonly runStore: Pick<RunStore, 'getRun'>;
}): LogTopicSource {
  return {
    async read(run, query) {
      return (await stores.logStore.read(run, query)).records;
    },
    async isEnded(runId) {
      const run = await stores.runStore.getRun(runId);
      // A run that was deleted writes nothing either.
      return run === null || isTerminalRunStatus(run.status);
    },
  };
}
