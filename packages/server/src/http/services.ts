import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Database } from '../db/index.js';
import type { LiveHub } from '../live/live-hub.js';
import type { ServerMetrics } from '../metrics/server-metrics.js';
import type { Authenticator } from '../security/authenticator.js';
import type { SecretSource } from '../security/secret-source.js';
import type { SessionService } from '../sessions/index.js';
import type { AdapterCatalog, Clock, LiveFeed, Logger, LogStore, RunStore } from '../supervisor/ports/index.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import type { AdapterAdministration } from './adapters/adapter-administration.js';

/** One line of `/readyz`. */
export interface ReadinessCheck {
  readonly name: string;
  /** Resolves with a word about how it stands; rejects when it is not ready. */
  run(): Promise<string>;
}

/** Everything that routes need. Made once by `createServer`; routes keep no state of their own. */
export interface ServerServices {
  readonly instance: { readonly id: () => string; readonly version: string };
  readonly supervisor: Supervisor;
  readonly runStore: RunStore;
  readonly logStore: LogStore;
  readonly database: Database;
  /** Which adapters can run here now. */
  readonly adapterCatalog: AdapterCatalog;
  /** Installing, updating and removing adapters. */
  readonly adapters: AdapterAdministration;
  /** Conversations with workers that stay up. */
  readonly sessions: SessionService;
  readonly liveHub: LiveHub;
  /** Told after each commit to the outbox that a route made; the same one that the supervisor tells. */
  readonly liveFeed: LiveFeed;
  readonly authenticator: Authenticator;
  readonly secrets: SecretSource;
  /** `supervisor.agentMaxConcurrentRuns` of the settings, for agents that do not say. */
  readonly agentMaxConcurrentRuns: number;
  readonly metrics: ServerMetrics;
  readonly readiness: readonly ReadinessCheck[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the HTTP server itself needs to know. */
export interface HttpSettings {
  readonly mode: 'local' | 'token';
  /** Further values of the `Host` header that are ours (`allowedHosts`, and the host of `publicUrl`). */
  readonly allowedHosts: readonly string[];
  readonly bodyLimitBytes: number;
  readonly rateLimitPerMinute: number;
  /** How long a request may take to arrive; tests make it short. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

/** Fastify with routes that are typed by their zod schemas. */
export type HttpApp = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

/** How a part of the server adds its routes. Each route names who may call it (`config.access`). */
export type RoutePlugin = (app: HttpApp, services: ServerServices) => void;
