export * from './database.js';
export * from './database-failure.js';
export * from './executor.js';
export * from './live-events/index.js';
export * from './migrate.js';
export * from './repositories/index.js';
export * from './run-store/index.js';
export * from './runner-store.js';
