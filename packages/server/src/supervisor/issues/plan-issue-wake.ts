import type { Issue } from '../model/index.js';

/** Why a change of an issue wakes its assigned agent; null = it does not. `before` is null for a new issue. */
export function planIssueWake(before: Issue | null, after: Issue): string | null {
  if (after.assigneeAgentId === null) return null;
  if (after.status !== 'todo' && after.status !== 'in_progress') return null;
  if (before?.assigneeAgentId !== after.assigneeAgentId) return `issue "${after.title}" was assigned`;
  if (before.status === after.status || after.status !== 'todo') return null;
  if (before.status === 'blocked') return `issue "${after.title}" is no longer blocked`;
  return `issue "${after.title}" was moved to todo`;
}
