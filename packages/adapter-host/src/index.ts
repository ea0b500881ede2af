export { type AdapterHostErrorCode, adapterHostErrorCodes } from './error-codes.js';
export { type HostClock, systemClock } from './host-clock.js';
export { createInProcessAdapter } from './in-process-adapter.js';
export type { AdapterLifter, LiftContext } from './load/adapter-lifter.js';
export { type ResolvedModule, resolveModule } from './load/resolve-module.js';
export { type AdapterSource, type LoadAdapterOptions, loadAdapter } from './load-adapter.js';
export type { AdapterCapabilities, AdapterFault, AdapterState, AdapterStatus, LoadedAdapter } from './loaded-adapter.js';
