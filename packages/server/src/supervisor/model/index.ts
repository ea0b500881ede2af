export * from './agent.js';
export * from './events.js';
export * from './ids.js';
export * from './instance.js';
export * from './issue.js';
export * from './run.js';
export * from './run-status.js';
export * from './wakeup-request.js';
