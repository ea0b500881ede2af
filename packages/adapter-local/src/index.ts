import type { AdapterV1 } from '@runbeat/adapter-sdk';
import { createLocalAdapter } from './local-adapter.js';

export { type LocalAttachedConfig, type LocalConfig, localAttachedConfig, localConfig } from './config.js';
export { type AdapterLocalErrorCode, adapterLocalErrorCodes } from './error-codes.js';
export { createLocalAdapter, createLocalAdapter as createAdapter, type LocalAdapterOptions } from './local-adapter.js';
export { createLocalAttachedAdapter, type LocalAttachedAdapterOptions } from './local-attached-adapter.js';

/** Type `local` with its defaults, as `runbeat adapters add` and settings load it. */
const adapter: AdapterV1 = createLocalAdapter();

export default adapter;
