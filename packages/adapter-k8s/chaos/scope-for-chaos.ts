import type { Simulator } from '../simulator/index.js';
import { k8sConfig } from '../src/config.js';
import { createScopes, type Scope } from '../src/run/scope.js';
import { defaultTimings, type Timings } from '../src/timings.js';

/** The adapter's own connection to the simulator, without a run. */
export function createConnectedScope(simulator: Simulator, timings: Partial<Timings>): Promise<Scope> {
  const scopes = createScopes(
    {
      instance: 'chaos',
      installation: null,
      owner: 'chaos',
      timings: { ...defaultTimings, ...timings },
      now: Date.now,
      notify: () => {},
    },
    () => {},
  );
  return scopes.of(k8sConfig.parse({ image: 'node:20', kubeconfig: simulator.kubeconfigPath, namespace: simulator.namespace }));
}
