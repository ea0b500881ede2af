import { adapterConformance, commandScripts } from '@runbeat/adapter-testkit';
import { afterAll, beforeAll, test } from 'vitest';
import { createSimulator, type Simulator } from '../../simulator/index.js';
import { createKubernetesAdapter } from '../../src/index.js';
import { quickTimings } from './recording-run.js';

/** The kit's suite and its host-kill harness against a simulator, in one log mode. */
export function kubernetesConformance(settings: Record<string, unknown>): void {
  // The kit's hosts are processes of their own with the built adapter and its own timings: they find the cluster by KUBECONFIG.
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await createSimulator();
    process.env['KUBECONFIG'] = simulator.kubeconfigPath;
  });
  afterAll(async () => {
    delete process.env['KUBECONFIG'];
    await simulator.close();
  });
  const config = { image: 'node:20', gracePeriodSeconds: 1, resources: { requests: { cpu: '50m', memory: '1Gi' } } };
  adapterConformance({
    test,
    createAdapter: () => createKubernetesAdapter({ timings: quickTimings, onNotice: () => {} }),
    scripts: commandScripts((command, args) => ({ ...config, ...settings, command: [command], args: [...args] })),
    adapterModule: new URL('../../dist/index.js', import.meta.url),
    makeUnreachable: async () => {
      simulator.network.setReachable('refuse');
      simulator.network.breakAll('reset');
      return async () => simulator.network.setReachable('reachable');
    },
    limitMs: 60_000,
  });
}
