export type { PostgresBinaries } from './binaries.js';
export * from './embedded-postgres.js';
