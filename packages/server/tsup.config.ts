import { cp } from 'node:fs/promises';
import { packageBuild } from '../../tsup.shared.js';

export default packageBuild({
  entries: ['src/index.ts'],
  // The migrations are SQL files; the built server looks for them beside its own code.
  onSuccess: () => cp('src/db/migrations', 'dist/migrations', { recursive: true }),
});
