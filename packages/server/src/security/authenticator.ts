import type { AgentId, CompanyId, Run, RunId } from '../supervisor/model/index.js';
import type { Clock, Logger } from '../supervisor/ports/index.js';
import { hashApiKey, isApiKeyShaped, isSameHash } from './api-key-secret.js';
import type { Caller } from './caller.js';
import type { RunTokens } from './run-tokens.js';

/** A stored API key, as far as access goes. */
export interface StoredApiKey {
  readonly id: string;
  readonly keyHash: string;
  readonly scope: 'operator' | 'company' | 'agent' | 'runner';
  readonly companyId: CompanyId | null;
  readonly agentId: AgentId | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** Knows a further kind of token by its looks. The runner's tokens come in this way. */
export interface TokenVerifier {
  /** Whether the token is one of this kind. */
  isShaped(token: string): boolean;
  /** Null = it is not valid (any more). */
  verify(token: string): Promise<Caller | null>;
}

export interface AuthenticatorContext {
  readonly mode: 'local' | 'token';
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runTokens: RunTokens;
  readonly getRun: (id: RunId) => Promise<Run | null>;
  readonly findApiKeyByHash: (hash: string) => Promise<StoredApiKey | null>;
  readonly markApiKeyUsed: (id: string, now: Date) => Promise<void>;
  readonly verifiers: readonly TokenVerifier[];
}

export type Authentication =
  | { readonly ok: true; readonly caller: Caller }
  /** `missing`: no token where one is needed. `refused`: unknown, expired, revoked, or its run has ended. */
  | { readonly ok: false; readonly reason: 'missing' | 'refused' };

/** Finds out who a request is. */
export interface Authenticator {
  /** A token that is given is always checked: also in mode `local` a run token makes the caller a run. */
  authenticate(token: string | null): Promise<Authentication>;
}

const usedMarkIntervalMs = 60_000;

export function createAuthenticator(context: AuthenticatorContext): Authenticator {
  const { clock } = context;

  const callerFromApiKey = async (token: string): Promise<Caller | null> => {
    const hash = hashApiKey(token);
    const key = await context.findApiKeyByHash(hash);
    if (!key || !isSameHash(key.keyHash, hash)) return null;
    const now = clock.now();
    if (key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= now)) return null;
    if (key.lastUsedAt === null || now.getTime() - key.lastUsedAt.getTime() > usedMarkIntervalMs) {
      // Only for the list of keys; a request is not refused because the mark could not be written.
      await context
        .markApiKeyUsed(key.id, now)
        .catch((error: unknown) => context.logger.warn({ err: error, keyId: key.id }, 'Could not mark an API key as used'));
    }
    return { kind: 'api-key', keyId: key.id, scope: key.scope, companyId: key.companyId, agentId: key.agentId };
  };
  const callerFromRunToken = async (token: string): Promise<Caller | null> => {
    const claims = await context.runTokens.read(token);
    if (!claims) return null;
    const run = await context.getRun(claims.runId);
    if (run?.status !== 'running') return null;
    if (run.companyId !== claims.companyId || run.agentId !== claims.agentId) return null;
    return { kind: 'run-token', ...claims };
  };

  return {
    async authenticate(token) {
      if (token === null) {
        return context.mode === 'local' ? { ok: true, caller: { kind: 'local' } } : { ok: false, reason: 'missing' };
      }
      const verifier = context.verifiers.find((candidate) => candidate.isShaped(token));
      const caller = verifier
        ? await verifier.verify(token)
        : isApiKeyShaped(token)
          ? await callerFromApiKey(token)
          : await callerFromRunToken(token);
      return caller ? { ok: true, caller } : { ok: false, reason: 'refused' };
    },
  };
}

/** The token of an `Authorization: Bearer …` header; null = there is none. An other scheme gives an empty token, which nobody has. */
export function bearerToken(header: string | undefined): string | null {
  if (header === undefined) return null;
  return /^Bearer +([^ ]+) *$/i.exec(header)?.[1] ?? '';
}
