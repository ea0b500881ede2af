export * from './live-event-log.js';
