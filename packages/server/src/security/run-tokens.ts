import { jwtVerify, SignJWT } from 'jose';
import type { AgentId, CompanyId, RunId } from '../supervisor/model/index.js';

export interface RunTokenClaims {
  readonly runId: RunId;
  readonly agentId: AgentId;
  readonly companyId: CompanyId;
}

/** Signs and reads run tokens. Whether the run is still running is for the authenticator to find out. */
export interface RunTokens {
  sign(claims: RunTokenClaims): Promise<string>;
  /** Null = not a token of this server. */
  read(token: string): Promise<RunTokenClaims | null>;
}

const issuer = 'runbeat';
const audience = 'runbeat-run';

export function createRunTokens(key: Uint8Array): RunTokens {
  return {
    // Without an expiry: the token ends with its run, which may take days.
    sign: ({ runId, agentId, companyId }) =>
      new SignJWT({ agentId, companyId })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(runId)
        .setIssuer(issuer)
        .setAudience(audience)
        .sign(key),
    async read(token) {
      try {
        const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], issuer, audience });
        const { sub, agentId, companyId } = payload;
        if (typeof sub !== 'string' || typeof agentId !== 'string' || typeof companyId !== 'string') return null;
        return { runId: sub as RunId, agentId: agentId as AgentId, companyId: companyId as CompanyId };
      } catch (error) {
        // jose rejects for every token that is not ours: wrong key, wrong form, wrong audience.
        if (typeof (error as { code?: unknown }).code === 'string') return null;
        throw error;
      }
    },
  };
}
