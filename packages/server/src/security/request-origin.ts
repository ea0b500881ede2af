/** What a request says about where it comes from. Header values as received; absent = undefined. */
export interface RequestOrigin {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`, sent by browsers. */
  readonly fetchSite: string | undefined;
  /** `Sec-Fetch-Mode`. */
  readonly fetchMode: string | undefined;
}

export interface OriginRules {
  readonly mode: 'local' | 'token';
  /** Further values of `Host` that are ours: `allowedHosts` of the settings and the host of `publicUrl`. Without port = any port. */
  readonly allowedHosts: readonly string[];
}

export type OriginVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: 'host_refused' | 'origin_refused'; readonly detail: string };

/**
 * Keeps other pages in the operator's browser out. In mode `local` nobody logs in, so that `Host` must be a loopback
 * name (else a name that was made to point here would do: DNS rebinding) and a request that a browser makes for another
 * page is refused. In mode `token` the token keeps strangers out; a foreign `Origin` is refused there too.
 */
export function planOriginCheck(request: RequestOrigin, rules: OriginRules): OriginVerdict {
  const host = request.host?.toLowerCase();
  if (rules.mode === 'local' && (host === undefined || !isOurHost(host, rules.allowedHosts))) {
    return { ok: false, code: 'host_refused', detail: `Host ${show(request.host)} is not a name of this server.` };
  }
  if (request.origin !== undefined) {
    if (!isOurOrigin(request.origin, host, rules.allowedHosts)) {
      return { ok: false, code: 'origin_refused', detail: `Origin ${show(request.origin)} is not that of this server.` };
    }
    return { ok: true };
  }
  const isFromOtherPage = request.fetchSite === 'cross-site' || request.fetchSite === 'same-site';
  if (isFromOtherPage && request.fetchMode !== 'navigate') {
    return { ok: false, code: 'origin_refused', detail: 'The request was made for a page of another site.' };
  }
  return { ok: true };
}

function isOurHost(host: string, allowedHosts: readonly string[]): boolean {
  const name = hostName(host);
  return isLoopbackName(name) || isAllowed(host, name, allowedHosts);
}

/** Ours are the origin with this very `Host`, and those of the settings. */
function isOurOrigin(origin: string, host: string | undefined, allowedHosts: readonly string[]): boolean {
  const match = /^https?:\/\/([^/?#@\s]+)$/i.exec(origin);
  const originHost = match?.[1]?.toLowerCase();
  if (originHost === undefined) return false;
  return originHost === host || isAllowed(originHost, hostName(originHost), allowedHosts);
}

function isAllowed(host: string, name: string, allowedHosts: readonly string[]): boolean {
  return allowedHosts.some((allowed) => allowed.toLowerCase() === host || allowed.toLowerCase() === name);
}

/** Without the port; an IPv6 address keeps its brackets. */
function hostName(host: string): string {
  return host.replace(/:\d{1,5}$/, '');
}

export function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || name === '::1' || /^127\.(?:\d{1,3})\.(?:\d{1,3})\.(?:\d{1,3})$/.test(name);
}

function show(value: string | undefined): string {
  return value === undefined ? '(none)' : JSON.stringify(value.slice(0, 100));
}
