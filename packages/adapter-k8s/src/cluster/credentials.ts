import { existsSync } from 'node:fs';
import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { AdapterError } from '@runbeat/adapter-sdk';
import type * as ClientNode from './client-node.js';

/** Which cluster, as the config names it. Absent members = the usual places. */
export interface ClusterSource {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** What a connection needs, as client-node's KubeConfig tells it (files, exec plugins, in-cluster tokens). */
export interface Credentials {
  readonly config: KubeConfig;
  readonly server: URL;
  /** Of the context; null when it names none. */
  readonly namespace: string | null;
  readonly tls: AgentOptions;
  readonly headers: Readonly<Record<string, string>>;
  /** Set when the kubeconfig goes through a proxy: client-node's own agent has to be used then. */
  readonly proxyAgent: Agent | null;
}

/** Loaded when it is first used: only a server that runs something on Kubernetes pays for it. */
export async function loadClient(): Promise<typeof ClientNode> {
  try {
    return await import('./client-node.js');
  } catch (error) {
    throw new AdapterError(
      'k8s.client_missing',
      `The Kubernetes client within @runbeat/adapter-k8s cannot be loaded on Node ${process.version}: ${String(error)}. Install the package again, with Node 20.19 or newer.`,
      { cause: error },
    );
  }
}

/** Reads the kubeconfig anew: rotated tokens and certificates are found this way. */
export async function loadCredentials(source: ClusterSource): Promise<Credentials> {
  const { KubeConfig } = await loadClient();
  const config = new KubeConfig();
  loadInto(config, source);
  if (source.context !== undefined) {
    if (!config.getContexts().some((context) => context.name === source.context)) {
      const known = config.getContexts().map((context) => context.name);
      throw noCluster(`The kubeconfig has no context ${source.context}; it has: ${known.join(', ') || 'none'}.`);
    }
    config.setCurrentContext(source.context);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster) throw noCluster('The kubeconfig names no current cluster. Set `current-context` or the config field `context`.');
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
  const isDirect = options.agent instanceof Agent && options.agent.constructor === Agent;
  return {
    config,
    server: new URL(cluster.server),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? null,
    tls: defined({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }),
    headers: headersFrom(options),
    proxyAgent: isDirect || !(options.agent instanceof Agent) ? null : options.agent,
  };
}

function loadInto(config: KubeConfig, source: ClusterSource): void {
  try {
    if (source.kubeconfig !== undefined) {
      config.loadFromFile(source.kubeconfig);
      return;
    }
    const isAnywhere =
      process.env['KUBECONFIG'] || existsSync(join(homedir(), '.kube', 'config')) || process.env['KUBERNETES_SERVICE_HOST'];
    // Without any of them client-node would silently choose http://localhost:8080.
    if (!isAnywhere)
      throw noCluster('There is no KUBECONFIG, no ~/.kube/config, and this is no Pod. Set the config field `kubeconfig`.');
    config.loadFromDefault();
  } catch (error) {
    if (error instanceof AdapterError) throw error;
    throw noCluster(`The kubeconfig ${source.kubeconfig ?? ''} cannot be read: ${String(error)}`, error);
  }
}

function noCluster(message: string, cause?: unknown): AdapterError {
  return new AdapterError('k8s.no_cluster', message, cause === undefined ? {} : { cause });
}

function headersFrom(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  const given = Array.isArray(options.headers) ? {} : (options.headers ?? {});
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  if (options.auth) headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return headers;
}

function defined(options: Readonly<Record<string, unknown>>): AgentOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as AgentOptions;
}
