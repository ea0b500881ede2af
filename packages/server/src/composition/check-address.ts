import { ServerError } from '../server-error.js';
import type { ServerSettings } from '../settings/server-settings.js';

const loopbackHosts: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

/** Mode `local` has no login, so that it may listen on loopback only. Throws `settings_invalid`. */
export function checkAddress(settings: Pick<ServerSettings, 'host' | 'mode'>): void {
  const isLoopback = loopbackHosts.includes(settings.host) || /^127(\.\d{1,3}){3}$/.test(settings.host);
  if (isLoopback || settings.mode === 'token') return;
  throw new ServerError(
    'settings_invalid',
    `Mode "local" has no login and must not listen on ${settings.host}. Set mode "token" (RUNBEAT_MODE=token) and make a key with \`runbeat keys create\`, or listen on 127.0.0.1.`,
    { fields: [{ field: 'host', message: 'not a loopback address, and mode is "local"' }] },
  );
}
