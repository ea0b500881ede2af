import { describe, expect, it } from 'vitest';
import { type AgentId, type CompanyId, createRandomId, type Issue, issueStatuses } from '../model/index.js';
import { testIssue } from '../testing/supervisor-harness.js';
import { planIssueWake } from './plan-issue-wake.js';

const [ada, bob] = [createRandomId<AgentId>(), createRandomId<AgentId>()];
const issue = (rest: Partial<Issue>): Issue =>
  testIssue({ companyId: createRandomId<CompanyId>(), createdAt: new Date(0), ...rest });

describe('planIssueWake', () => {
  it.each(issueStatuses)('wakes for an assignment of an issue in %s only when there is work to do', (status) => {
    const isOpen = status === 'todo' || status === 'in_progress';
    expect(planIssueWake(null, issue({ status, assigneeAgentId: ada })) !== null).toBe(isOpen);
    expect(planIssueWake(issue({ status, assigneeAgentId: bob }), issue({ status, assigneeAgentId: ada })) !== null).toBe(isOpen);
  });

  it.each(issueStatuses)('wakes when an assigned issue goes from %s to todo, unless it was there', (status) => {
    const wakes =
      planIssueWake(issue({ status, assigneeAgentId: ada }), issue({ status: 'todo', assigneeAgentId: ada })) !== null;
    expect(wakes).toBe(status !== 'todo');
  });

  it('wakes nobody for an issue that is assigned to nobody or to a user', () => {
    expect(planIssueWake(null, issue({ assigneeUserId: 'u' }))).toBeNull();
    expect(planIssueWake(issue({ status: 'blocked' }), issue({ status: 'todo' }))).toBeNull();
  });

  it('wakes nobody when an agent takes its issue up or gives it back for review', () => {
    const todo = issue({ status: 'todo', assigneeAgentId: ada });
    expect(planIssueWake(todo, { ...todo, status: 'in_progress' })).toBeNull();
    expect(planIssueWake({ ...todo, status: 'in_progress' }, { ...todo, status: 'in_review' })).toBeNull();
  });
});
