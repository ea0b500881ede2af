import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export const apiKeyPrefix = 'rb_';
const apiKeyPattern = /^rb_[A-Za-z0-9_-]{43}$/;

/** A new key: `rb_` and 256 random bits. Shown once; only its hash is kept. */
export function createApiKeySecret(): { readonly key: string; readonly hash: string; readonly prefix: string } {
  const key = `${apiKeyPrefix}${randomBytes(32).toString('base64url')}`;
  return { key, hash: hashApiKey(key), prefix: key.slice(0, 9) };
}

/** SHA-256 in lower-case hex. A key has 256 bits of its own, so that a slow hash would add nothing. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

export function isApiKeyShaped(token: string): boolean {
  return apiKeyPattern.test(token);
}

/** Compares two hashes without telling by its time how much of them is alike. */
export function isSameHash(left: string, right: string): boolean {
  const a = Buffer.from(left, 'hex');
  const b = Buffer.from(right, 'hex');
  return a.length === b.length && a.length > 0 && timingSafeEqual(a, b);
}
