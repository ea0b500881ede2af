import { defineConfig } from 'drizzle-kit';

// `npx drizzle-kit generate` writes the SQL of a changed schema to the migrations; they are reviewed and committed.
export default defineConfig({
  dialect: 'postgresql',
  schema: './src/db/schema/*.ts',
  out: './src/db/migrations',
  casing: 'snake_case',
});
