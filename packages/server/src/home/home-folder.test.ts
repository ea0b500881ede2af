import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultHome, prepareHome, resolveHome } from './home-folder.js';

describe('home folder', () => {
  it('is the named one, else the default of the user', () => {
    expect(resolveHome({ RUNBEAT_HOME: '/srv/x' })).toBe('/srv/x');
    expect(resolveHome({ RUNBEAT_HOME: '' })).toBe(defaultHome());
    expect(defaultHome(0)).toBe('/var/lib/runbeat');
    expect(defaultHome(1_000)).toMatch(/\.runbeat$/);
  });

  it('can be passed through, and what is inside is private', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'runbeat-home-'));
    const home = await prepareHome(join(parent, 'a', 'b'));
    const mode = async (path: string) => (await stat(path)).mode & 0o777;
    expect([await mode(home.path), await mode(home.logs), await mode(home.runs), await mode(home.adapters)]).toEqual([
      0o711, 0o700, 0o700, 0o700,
    ]);
    await rm(parent, { recursive: true });
  });

  it('that is a file is refused with its reason', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'runbeat-home-'));
    await writeFile(join(parent, 'file'), '');
    await expect(prepareHome(join(parent, 'file', 'home'))).rejects.toMatchObject({ code: 'home_unusable' });
    await rm(parent, { recursive: true });
  });
});
