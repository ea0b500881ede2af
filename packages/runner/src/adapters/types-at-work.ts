import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const jobSchema = z.object({ spec: z.object({ adapterType: z.string() }) });

/** The adapter types of the jobs on this home's disk whose work is not over: these adapters must stay. */
export async function typesAtWork(home: string): Promise<ReadonlySet<string>> {
  const jobs = join(home, 'jobs');
  const names = await readdir(jobs).catch(() => []);
  const types = await Promise.all(names.map((name) => typeOf(join(jobs, name))));
  return new Set(types.filter((type) => type !== null));
}

/** Null = it is over, it is going away in this moment, or it is none that could be taken up. */
async function typeOf(folder: string): Promise<string | null> {
  const isOver = await stat(join(folder, 'finish.json')).then(
    () => true,
    () => false,
  );
  if (isOver) return null;
  const text = await readFile(join(folder, 'job.json'), 'utf8').catch(() => null);
  try {
    return text === null ? null : jobSchema.parse(JSON.parse(text)).spec.adapterType;
  } catch {
    return null;
  }
}
