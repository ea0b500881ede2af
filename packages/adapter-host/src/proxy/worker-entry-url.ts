/**
 * The built file that a worker starts with. It lies beside this one in `dist`; when this one runs from its source (the
 * tests do), the build's is taken, since a worker thread loads plain JavaScript only.
 */
export function workerEntryUrl(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('../../dist/worker-entry.js', import.meta.url)
    : new URL('./worker-entry.js', import.meta.url);
}
