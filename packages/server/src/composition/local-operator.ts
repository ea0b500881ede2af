import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { TokenVerifier } from '../security/authenticator.js';

const prefix = 'rb_local_';

/**
 * A token of this process, kept in the home folder for the commands of the server's own user, so that the first API key
 * can be made without one. It is an operator's, and ends with the process.
 */
export function createLocalOperator(): { readonly token: string; readonly verifier: TokenVerifier } {
  const token = `${prefix}${randomBytes(32).toString('base64url')}`;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return {
    token,
    verifier: {
      isShaped: (candidate) => candidate.startsWith(prefix),
      verify: async (candidate) => (timingSafeEqual(digest(candidate), expected) ? { kind: 'local' } : null),
    },
  };
}
