export * from './fs/fs-log-store.js';
export * from './postgres/postgres-log-store.js';
export type { S3Options } from './s3/object-bucket.js';
export * from './s3/s3-log-store.js';
