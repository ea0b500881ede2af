export { jobStatusFrom } from './job-status-from.js';
export { createMemoryRunnerStore } from './memory-runner-store.js';
export { placementFromHandle } from './place-job.js';
export { runnerProtocolRoutes } from './routes/runner-protocol-routes.js';
export { runnerRoutePlugin } from './routes/runner-route-plugin.js';
export { type RunnerRoutesOptions, runnerRoutes } from './routes/runner-routes.js';
export { createRunnerService, type RunnerService, type RunnerServiceOptions } from './runner-service.js';
export { type RunnerSettings, runnerSettingsSchema } from './runner-settings.js';
export type { RunnerStore } from './runner-store.js';
