export * from './embedded-postgres.js';
export type { PostgresBinaries } from './binaries.js';
