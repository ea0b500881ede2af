export * from './fs/fs-log-store.js';
