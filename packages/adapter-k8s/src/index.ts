import type { AdapterV1 } from '@runbeat/adapter-sdk';
import { createKubernetesAdapter } from './k8s-adapter.js';

export { type K8sConfig, k8sConfig } from './config.js';
export { type AdapterK8sErrorCode, adapterK8sErrorCodes } from './error-codes.js';
export type { Installation } from './installation.js';
export {
  createKubernetesAdapter,
  createKubernetesAdapter as createAdapter,
  type KubernetesAdapterOptions,
} from './k8s-adapter.js';
export type { AdapterNotice } from './run/scope.js';
export type { Timings } from './timings.js';

/** Type `k8s` with its defaults, as `runbeat adapters add` and settings load it. */
const adapter: AdapterV1 = createKubernetesAdapter();

export default adapter;
