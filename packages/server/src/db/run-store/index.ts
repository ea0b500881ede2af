export * from './postgres-run-store.js';
