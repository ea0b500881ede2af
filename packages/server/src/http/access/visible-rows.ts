import { type Company, getCompany } from '../../db/index.js';
import { type Caller, canSeeCompany } from '../../security/caller.js';
import type { Agent, AgentId, CompanyId, Issue, IssueId, Run, RunId } from '../../supervisor/model/index.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { ServerServices } from '../services.js';

/**
 * The only ways in which routes get rows by id. A row of a company that the caller cannot see is answered exactly like
 * one that does not exist, and a run's token sees its own run and issue only.
 */
export interface VisibleRows {
  company(id: string): Promise<Company>;
  agent(id: string): Promise<Agent>;
  run(id: string): Promise<Run>;
  issue(id: string): Promise<Issue>;
}

export function visibleRows(services: Pick<ServerServices, 'database' | 'runStore'>, caller: Caller): VisibleRows {
  const visible = <Row extends { readonly companyId: CompanyId }>(
    row: Row | null,
    code: 'agent_not_found' | 'run_not_found' | 'issue_not_found',
    id: string,
  ): Row => {
    if (row === null || !canSeeCompany(caller, row.companyId)) {
      throw new HttpProblem(code, `There is no ${code.split('_')[0]} with the id ${id}.`);
    }
    return row;
  };
  return {
    async company(id) {
      const company = canSeeCompany(caller, id as CompanyId)
        ? await getCompany(services.database.executor, id as CompanyId)
        : null;
      if (company === null) throw new HttpProblem('company_not_found', `There is no company with the id ${id}.`);
      return company;
    },
    agent: async (id) => visible(await services.runStore.getAgent(id as AgentId), 'agent_not_found', id),
    async run(id) {
      const isForeign = caller.kind === 'run-token' && caller.runId !== id;
      return visible(isForeign ? null : await services.runStore.getRun(id as RunId), 'run_not_found', id);
    },
    async issue(id) {
      const issue = visible(await services.runStore.getIssue(id as IssueId), 'issue_not_found', id);
      if (caller.kind !== 'run-token') return issue;
      const own = await services.runStore.getRun(caller.runId);
      return visible(own?.issueId === issue.id ? issue : null, 'issue_not_found', id);
    },
  };
}
