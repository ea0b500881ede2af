import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The e2e files first: they are the longest and wait most, and none of them should be left for the end. */
class LongestFilesFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(specifications);
    const rank = ({ project }: TestSpecification): number => (project.name === 'e2e' ? 0 : 1);
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    // The second pass of the storage suites is a project of its own, so that it shares the run (`npm test` asks for it).
    projects: [
      'packages/*',
      'examples/*',
      'e2e',
      ...(process.env['RUNBEAT_TEST_POSTGRES_15'] ? ['packages/server/vitest.postgres-15.config.ts'] : []),
    ],
    // Each file has its own servers, ports, databases and folders, and most of them wait: twice the cores keep these busy.
    maxWorkers: Math.min(2 * availableParallelism(), 8),
    sequence: { sequencer: LongestFilesFirst },
  },
});
