import { describe, expect, it } from 'vitest';
import { workloadEnvironment } from './workload-environment.js';

const source = {
  PATH: '/bin',
  HOME: '/home/a',
  LC_ALL: 'C.UTF-8',
  https_proxy: 'http://proxy:3128',
  DATABASE_URL: 'postgres://secret',
  AWS_SECRET_ACCESS_KEY: 'secret',
  RUNBEAT_HOME: '/var/lib/runbeat',
  RUNBEAT_OPERATOR_TOKEN: 'secret',
};

describe('workloadEnvironment', () => {
  it('passes what programs need and nothing else of the server', () => {
    expect(workloadEnvironment({ environment: { RUNBEAT_RUN_ID: 'r1' } }, {}, source)).toEqual({
      PATH: '/bin',
      HOME: '/home/a',
      LC_ALL: 'C.UTF-8',
      https_proxy: 'http://proxy:3128',
      RUNBEAT_RUN_ID: 'r1',
    });
  });

  it('lets the config add, replace and remove, but not pose as another run', () => {
    const environment = workloadEnvironment(
      { environment: { RUNBEAT_RUN_ID: 'r1' } },
      { PATH: '/opt/bin', HOME: undefined, TOKEN: 't', RUNBEAT_RUN_ID: 'forged' },
      source,
    );
    expect(environment).toEqual({
      PATH: '/opt/bin',
      LC_ALL: 'C.UTF-8',
      https_proxy: 'http://proxy:3128',
      TOKEN: 't',
      RUNBEAT_RUN_ID: 'r1',
    });
  });
});
