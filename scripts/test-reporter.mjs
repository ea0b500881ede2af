// A vitest reporter that prints nothing: it writes what `scripts/test.mjs` counts and tells at the end, as JSON, to the file
// that `RUNBEAT_TEST_REPORT` names.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

export default class TestReporter {
  /** Called by vitest when everything has ended, also when nothing passed. */
  onTestRunEnd(modules) {
    const files = modules.map((module) => {
      const { prepareDuration, environmentSetupDuration, collectDuration, setupDuration, duration } = module.diagnostic();
      const tests = [...module.children.allTests()];
      return {
        file: relative(process.cwd(), module.moduleId),
        project: module.project.name,
        seconds: (prepareDuration + environmentSetupDuration + collectDuration + setupDuration + duration) / 1_000,
        // A file that could not be loaded, or whose hooks failed, has an error of its own and perhaps no test.
        isFailed: module.state() === 'failed',
        tests: tests.map((test) => ({
          name: test.fullName,
          state: test.result().state,
          retries: test.diagnostic()?.retryCount ?? 0,
        })),
      };
    });
    writeFileSync(process.env.RUNBEAT_TEST_REPORT, JSON.stringify(files));
  }
}
