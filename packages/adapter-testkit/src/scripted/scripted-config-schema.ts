import type { AdapterCoreV1 } from '@runbeat/adapter-sdk';
import type { ScriptedConfig } from './scripted-step.js';

/** Accepts any object: a test's config is the test's own matter. Written by hand, since the kit needs no schema library. */
export const scriptedConfigSchema: AdapterCoreV1<ScriptedConfig>['configSchema'] = {
  '~standard': {
    version: 1,
    vendor: 'runbeat-adapter-testkit',
    validate(value) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return { issues: [{ message: 'A scripted config must be an object.' }] };
      }
      const { steps, failToStart } = value as ScriptedConfig;
      const issues = [
        ...(steps === undefined || Array.isArray(steps) ? [] : [{ message: 'steps must be a list.', path: ['steps'] }]),
        ...(failToStart === undefined || typeof failToStart === 'string'
          ? []
          : [{ message: 'failToStart must be the text of the failure.', path: ['failToStart'] }]),
      ];
      return issues.length > 0 ? { issues } : { value: value as ScriptedConfig };
    },
  },
};
