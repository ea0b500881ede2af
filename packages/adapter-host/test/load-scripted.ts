import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import { type LoadAdapterOptions, type LoadedAdapter, loadAdapter } from '../src/index.js';

const open = new Set<LoadedAdapter>();

afterEach(async () => {
  await Promise.all([...open].map((loaded) => loaded.close()));
  open.clear();
});

export const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

/** The scripted adapter in a worker, closed after the test; `output` is what its worker wrote. */
export async function loadScripted(
  options: Partial<LoadAdapterOptions> = {},
): Promise<{ loaded: LoadedAdapter; output: { text: string } }> {
  const output = { text: '' };
  const loaded = await loadAdapter({
    source: { kind: 'module', specifierOrPath: fixture('scripted-adapter.mjs') },
    isolation: 'worker',
    onOutput: (_stream, text) => {
      output.text += text;
    },
    ...options,
  });
  open.add(loaded);
  return { loaded, output };
}

/** Resolves when the adapter is in `state`. */
export function stateReached(loaded: LoadedAdapter, state: LoadedAdapter['state']): Promise<void> {
  if (loaded.state === state) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = loaded.onStateChange((status) => {
      if (status.state !== state) return;
      stop();
      resolve();
    });
  });
}
