export * from './home-folder.js';
export * from './home-lock.js';
