import { randomUUID } from 'node:crypto';
import { type ClusterConnection, createClusterConnection } from '../cluster/connection.js';
import { createKubeApi, type KubeApi } from '../cluster/kube-api.js';
import type { K8sConfig } from '../config.js';
import type { Installation } from '../installation.js';
import { instanceSelector } from '../job/job-names.js';
import type { Timings } from '../timings.js';
import { createSharedWatch, type SharedWatch } from '../watch/shared-watch.js';

/** Something that concerns no single run; the host's log is the place for it. */
export interface AdapterNotice {
  readonly type: 'watch_troubled' | 'orphan_deleted' | 'orphan_sweep_failed';
  readonly message: string;
}

/** What all runs of one adapter share. */
export interface AdapterEnvironment {
  readonly instance: string;
  /** Null when the host does not say which it is; its Jobs carry no such label then. */
  readonly installation: Installation | null;
  /** Marks Jobs as observed by this adapter object; another one that takes a run over writes its own. */
  readonly owner: string;
  readonly timings: Timings;
  readonly now: () => number;
  readonly notify: (notice: AdapterNotice) => void;
}

/** One namespace of one cluster: its connection, calls and watches, shared by all runs there. */
export interface Scope extends AdapterEnvironment {
  readonly connection: ClusterConnection;
  readonly api: KubeApi;
  readonly watch: SharedWatch;
}

export interface Scopes {
  /** `namespace` overrides the config's: a handle remembers where its Job is. */
  of(config: K8sConfig, namespace?: string): Promise<Scope>;
  all(): readonly Scope[];
}

export function newOwner(): string {
  return randomUUID();
}

export function createScopes(environment: AdapterEnvironment, onNewScope: (scope: Scope) => void): Scopes {
  const connections = new Map<string, ClusterConnection>();
  const scopes = new Map<string, Scope>();

  function connectionOf(config: K8sConfig): { key: string; connection: ClusterConnection } {
    const { kubeconfig, context } = config;
    const key = JSON.stringify([kubeconfig ?? null, context ?? null]);
    const source = { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
    const connection = connections.get(key) ?? createClusterConnection(source, environment.timings);
    connections.set(key, connection);
    return { key, connection };
  }

  return {
    async of(config, wanted) {
      const { key, connection } = connectionOf(config);
      const namespace = wanted ?? config.namespace ?? (await connection.defaultNamespace());
      const scopeKey = `${key} ${namespace}`;
      const known = scopes.get(scopeKey);
      if (known) return known;
      const api = createKubeApi(connection, namespace);
      const watch = createSharedWatch({
        connection,
        api,
        labelSelector: instanceSelector(environment.instance),
        timings: environment.timings,
        now: environment.now,
        onTrouble: (error) => {
          environment.notify({ type: 'watch_troubled', message: `Watch in namespace ${namespace}: ${error.message}` });
        },
      });
      const scope: Scope = { ...environment, connection, api, watch };
      scopes.set(scopeKey, scope);
      onNewScope(scope);
      return scope;
    },
    all: () => [...scopes.values()],
  };
}
