export type { JournalEntry, JournalKind, OpenRequest, PromptState, Session, SessionPrompt } from './session.js';
export { sessionFailures } from './session-failures.js';
export { createSessionService, type SessionService, type SessionView } from './session-service.js';
export { defaultSessionSettings, type SessionSettings } from './session-settings.js';
export type { SessionCommit, SessionStore } from './session-store.js';
export type { SessionReason, SessionState } from './session-transitions.js';
