export * from './database.js';
export * from './database-failure.js';
export * from './executor.js';
export * from './migrate.js';
export * from './repositories/index.js';
