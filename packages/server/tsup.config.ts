import { cp } from 'node:fs/promises';
import { packageBuild } from '../../tsup.shared.js';

export default packageBuild({
  entries: ['src/index.ts'],
  // A start reads two files instead of eight hundred. zod stays outside: its schemas cross from package to package.
  bundles: [
    '@fastify/rate-limit',
    '@fastify/swagger',
    'drizzle-orm',
    'fastify',
    'fastify-type-provider-zod',
    'jose',
    'pg',
    'pino',
    'prom-client',
    'ws',
  ],
  // Fastify's compilers for JSON schemas, in whose place `http-server.ts` puts those for zod, and what tests inject requests by.
  leavesOut: ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request'],
  // pg asks it whether this is Cloudflare, for which Node loads its whole fetch.
  define: { Response: 'undefined' },
  // The migrations are SQL files; the built server looks for them beside its own code.
  onSuccess: () => cp('src/db/migrations', 'dist/migrations', { recursive: true }),
});
