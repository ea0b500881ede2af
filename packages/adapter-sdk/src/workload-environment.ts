/**
 * What a program needs to start at all: where to find programs, a home, a language, a way through the proxy. Everything
 * else of the server's environment stays with the server: database addresses, tokens and cloud keys live there too.
 */
const inheritedNames: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'TMPDIR',
  'TZ',
  'LANG',
  'LANGUAGE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
  // Windows: programs do not start without the first, and find neither shell nor profile without the others.
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'WINDIR',
  'COMSPEC',
  'PATHEXT',
  'TEMP',
  'TMP',
  'USERNAME',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'PROGRAMFILES',
  'PROGRAMDATA',
]);

/**
 * The environment for a run's workload: `PATH`, `HOME`, locale, certificates and proxy variables of this process, then
 * `extra` (what the config names; `undefined` removes a variable), then the context's `RUNBEAT_*` variables, which
 * nothing may replace since the workload is found again by them.
 * @param source the environment to inherit from; absent = that of this process.
 */
export function workloadEnvironment(
  context: { readonly environment: Readonly<Record<string, string>> },
  extra: Readonly<Record<string, string | undefined>> = {},
  source: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const merged: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(source)) {
    if (isInherited(name)) merged[name] = value;
  }
  Object.assign(merged, extra, context.environment);
  return Object.fromEntries(Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function isInherited(name: string): boolean {
  // Proxy variables are read in lower case too, and Windows knows no case in names.
  const upper = name.toUpperCase();
  return inheritedNames.has(upper) || upper.startsWith('LC_');
}
