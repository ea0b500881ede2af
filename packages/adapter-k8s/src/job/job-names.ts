import { createHash } from 'node:crypto';

/** Makes names of at most 52 characters: Pods add a dash and five more, and their name must fit a label. */
const runPartLimit = 36;

export interface RunIdentity {
  readonly runId: string;
  readonly attempt: number;
  readonly agentId: string;
  readonly companyId: string;
}

/** The Job of a run's attempt: always the same name, so that creating it twice is impossible. */
export function jobName(runId: string, attempt: number): string {
  return `runbeat-${dnsPart(runId, runPartLimit)}-${attempt}`;
}

/** The Secret goes by its Job's name. */
export function secretName(job: string): string {
  return job;
}

export const labelNames = {
  managedBy: 'app.kubernetes.io/managed-by',
  instance: 'app.kubernetes.io/instance',
  installation: 'runbeat.dev/installation',
  runId: 'runbeat.dev/run-id',
  attempt: 'runbeat.dev/attempt',
  agentId: 'runbeat.dev/agent-id',
  companyId: 'runbeat.dev/company-id',
} as const;

export const annotationNames = {
  specHash: 'runbeat.dev/spec-hash',
  /** Who observes the run; whoever took it over last. */
  owner: 'runbeat.dev/owner',
  runId: 'runbeat.dev/run-id',
  /** Why the run is being ended, so that whoever observes its end knows that it was meant. */
  stop: 'runbeat.dev/stop',
} as const;

export function runLabels(run: RunIdentity, instance: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'runbeat-run',
    [labelNames.instance]: labelPart(instance),
    'app.kubernetes.io/component': 'agent-run',
    'app.kubernetes.io/part-of': 'runbeat',
    [labelNames.managedBy]: 'runbeat',
    [labelNames.runId]: labelPart(run.runId),
    [labelNames.attempt]: String(run.attempt),
    [labelNames.agentId]: labelPart(run.agentId),
    [labelNames.companyId]: labelPart(run.companyId),
  };
}

/** Selects everything of one instance of Runbeat. */
export function instanceSelector(instance: string): string {
  return `${labelNames.managedBy}=runbeat,${labelNames.instance}=${labelPart(instance)}`;
}

/** Selects one run's objects. */
export function runSelector(runId: string, instance: string): string {
  return `${instanceSelector(instance)},${labelNames.runId}=${labelPart(runId)}`;
}

/** The value itself where a label can hold it, else its beginning and a hash. */
export function labelPart(value: string): string {
  if (/^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/.test(value)) return value;
  const start = value
    .replace(/[^\w.-]/g, '-')
    .slice(0, 40)
    .replace(/^[^A-Za-z0-9]+/, '');
  return `${start}${start === '' ? '' : '-'}${hash(value)}`;
}

function dnsPart(value: string, limit: number): string {
  if (value.length <= limit && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(value)) return value;
  const start = value
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, limit - 13)
    .replace(/-+$/, '');
  return `${start}${start === '' ? '' : '-'}${hash(value)}`;
}

function hash(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 12);
}
