export { type AdapterHostErrorCode, adapterHostErrorCodes } from './error-codes.js';
export { type HostClock, systemClock } from './host-clock.js';
export { createInProcessAdapter } from './in-process-adapter.js';
export { type AdapterFolders, createAdapterFolders } from './install/adapter-folders.js';
export {
  type AdapterInstaller,
  createAdapterInstaller,
  type InstalledPackage,
  type InstallOptions,
  type StagedPackage,
} from './install/adapter-installer.js';
export { fitsSpec } from './install/fits-spec.js';
export {
  createPackageLoader,
  type PackageLoader,
  type PackageLoaderOptions,
  type PackageToLoad,
  type WorkerSettings,
} from './install/load-package.js';
export { obtainPackage, type PackageToObtain } from './install/obtain-package.js';
export { packageFolder } from './install/package-folder.js';
export { type PackageSpec, parsePackageSpec, specText } from './install/package-spec.js';
export { type FollowedPackage, type FollowStep, planFollow, type WantedPackage } from './install/plan-follow.js';
export { createRetryTimes, type RetryTimes } from './install/retry-times.js';
export { workerEnvironment } from './install/worker-environment.js';
export type { AdapterLifter, LiftContext } from './load/adapter-lifter.js';
export { type ResolvedModule, resolveModule } from './load/resolve-module.js';
export { type AdapterSource, type LoadAdapterOptions, loadAdapter } from './load-adapter.js';
export type { AdapterCapabilities, AdapterFault, AdapterState, AdapterStatus, LoadedAdapter } from './loaded-adapter.js';
