export { type CreateAdapterError, isCreateAdapterError } from './create-adapter-error.js';
export { type CreateAdapterErrorCode, createAdapterErrorCodes } from './error-codes.js';
export { type ProjectPlan, type ProjectRequest, planProject } from './plan-project.js';
export { writeProject } from './write-project.js';
