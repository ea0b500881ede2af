export { type AdapterPaperclipErrorCode, adapterPaperclipErrorCodes } from './error-codes.js';
export { adapterLifter, type LiftOptions, liftPaperclipModule } from './paperclip-adapter.js';
export { isPaperclipModule } from './paperclip-module.js';
