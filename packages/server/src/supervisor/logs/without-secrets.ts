import { createSecretRedactor } from '@runbeat/adapter-sdk';

/**
 * A copy of what an adapter said (an event, an outcome) in which secrets are replaced in every text, as in the log: an
 * error message likes to quote the token that was refused. The same value when there is nothing to hide.
 */
export function withoutSecrets<Value>(value: Value, secrets: readonly string[]): Value {
  if (!secrets.some((secret) => secret !== '')) return value;
  return redactIn(value, secrets) as Value;
}

function redactIn(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') {
    // Hardly any text holds one, and looking for it costs a thousandth of making a redactor for a run's long token.
    if (!secrets.some((secret) => secret !== '' && value.includes(secret))) return value;
    const redactor = createSecretRedactor(secrets);
    return redactor.push(value) + redactor.flush();
  }
  if (Array.isArray(value)) return value.map((item) => redactIn(item, secrets));
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redactIn(key, secrets), redactIn(item, secrets)]));
}
