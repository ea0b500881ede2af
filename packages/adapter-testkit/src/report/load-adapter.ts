import { AdapterError, type AdapterV1, checkAdapter } from '@runbeat/adapter-sdk';

/**
 * The adapter that a module exports: its default export or what its `createAdapter()` returns, as hosts load it.
 * @throws AdapterError `adapter_not_found` when the module cannot be loaded or exports none, naming what is wrong.
 */
export async function loadAdapter(moduleUrl: string): Promise<AdapterV1> {
  const exported = await importModule(moduleUrl);
  const candidate = typeof exported['createAdapter'] === 'function' ? await exported['createAdapter']() : exported['default'];
  const check = checkAdapter(candidate);
  if (check.ok) return check.adapter;
  const problems = check.problems.map(({ message }) => `- ${message}`).join('\n');
  throw new AdapterError(
    'adapter_not_found',
    `${moduleUrl} exports no adapter that a host accepts. Export it as default, or as createAdapter().\n${problems}`,
  );
}

async function importModule(moduleUrl: string): Promise<Record<string, unknown>> {
  try {
    return (await import(moduleUrl)) as Record<string, unknown>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AdapterError('adapter_not_found', `${moduleUrl} could not be loaded: ${reason}`, { cause: error });
  }
}
