import { createHash } from 'node:crypto';
import { type K8sConfig, logModeOf } from '../config.js';
import type { WireJob, WirePodTemplate } from '../wire.js';
import { annotationNames, jobName, labelNames, labelPart, type RunIdentity, runLabels, secretName } from './job-names.js';
import { mergePatch } from './merge-patch.js';
import { containerPaths, secretKeys } from './run-secret.js';

export const workContainer = 'work';

/** The Job's own deadline deletes Pod and log, so it comes well after the Pod's, for the case that the kubelet is gone. */
const jobDeadlineSlackSeconds = 3600;
const secondsAfterFinished = 3600;

export interface JobFacts {
  readonly run: RunIdentity;
  readonly config: K8sConfig;
  readonly instance: string;
  /** Id of the installation; null = the host did not say. */
  readonly installation: string | null;
  /** Names of the variables that the run's Secret holds. */
  readonly secretVariables: readonly string[];
  readonly owner: string;
}

/** The Job of a run, suspended. Nothing secret is in it: whoever may read Jobs may not read tokens. */
export function jobSpec(facts: JobFacts): WireJob {
  const { run, config, instance, installation, owner } = facts;
  const name = jobName(run.runId, run.attempt);
  const labels = {
    ...runLabels(run, instance),
    ...(installation === null ? {} : { [labelNames.installation]: labelPart(installation) }),
  };
  const podDeadline = config.maxRuntimeSeconds + config.startAllowanceSeconds;
  const spec: WireJob['spec'] = {
    suspend: true,
    parallelism: 1,
    completions: 1,
    backoffLimit: 0,
    podReplacementPolicy: 'Failed',
    podFailurePolicy: {
      rules: [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
    },
    activeDeadlineSeconds: podDeadline + jobDeadlineSlackSeconds,
    ttlSecondsAfterFinished: secondsAfterFinished,
    template: podTemplate(facts, name, podDeadline),
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      labels,
      annotations: {
        [annotationNames.runId]: run.runId,
        [annotationNames.specHash]: specHash(spec),
        [annotationNames.owner]: owner,
      },
    },
    spec,
  };
}

function podTemplate(facts: JobFacts, job: string, activeDeadlineSeconds: number): WirePodTemplate {
  const { config } = facts;
  const template: WirePodTemplate = {
    metadata: { labels: runLabels(facts.run, facts.instance) },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds,
      terminationGracePeriodSeconds: config.gracePeriodSeconds,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: config.runAsUser,
        runAsGroup: config.runAsUser,
        fsGroup: config.runAsUser,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...optional({
        serviceAccountName: config.serviceAccountName,
        nodeSelector: config.nodeSelector,
        runtimeClassName: config.runtimeClassName,
        priorityClassName: config.priorityClassName,
        imagePullSecrets: config.imagePullSecrets?.map((name) => ({ name })),
        tolerations: config.tolerations?.map((toleration) => optional(toleration)),
      }),
      volumes: podVolumes(config, job),
      containers: [workContainerSpec(facts, job)],
    },
  };
  return mergePatch(template, config.podTemplatePatch ?? {});
}

type PodSpec = NonNullable<WirePodTemplate['spec']>;

function podVolumes(config: K8sConfig, job: string): NonNullable<PodSpec['volumes']> {
  const isFramed = logModeOf(config) === 'framed';
  const file = (key: string): { key: string; path: string } => ({ key, path: key });
  return [
    { name: 'runbeat-work', emptyDir: {} },
    {
      name: 'runbeat-input',
      secret: { secretName: secretName(job), items: [file(secretKeys.prompt), file(secretKeys.payload)] },
    },
    ...(isFramed
      ? [
          { name: 'runbeat-shim', secret: { secretName: secretName(job), items: [file(secretKeys.shim)] } },
          // Well above what the shim keeps (48 MiB): reaching the limit would evict the Pod.
          { name: 'runbeat-spool', emptyDir: { sizeLimit: '128Mi' } },
        ]
      : []),
    ...config.volumes.map(({ mountPath: _path, subPath: _sub, readOnly: _readOnly, ...volume }) => volume),
  ] as NonNullable<PodSpec['volumes']>;
}

function workContainerSpec(facts: JobFacts, job: string): PodSpec['containers'][number] {
  const { config, secretVariables } = facts;
  const isFramed = logModeOf(config) === 'framed';
  const { requests = {}, limits = {} } = config.resources;
  const memory = limits['memory'] ?? requests['memory'] ?? '256Mi';
  const command = config.command ?? [];
  return {
    name: workContainer,
    image: config.image,
    ...(isFramed
      ? { command: [config.nodePath ?? 'node', containerPaths.shim, 'run', ...command, ...(config.args ?? [])] }
      : optional({ command: config.command, args: config.args })),
    ...optional({ imagePullPolicy: config.imagePullPolicy }),
    workingDir: config.workingDir ?? containerPaths.work,
    env: [
      { name: 'HOME', value: containerPaths.work },
      { name: 'TMPDIR', value: containerPaths.work },
      { name: 'RUNBEAT_PROMPT_FILE', value: containerPaths.prompt },
      { name: 'RUNBEAT_INPUT_FILE', value: containerPaths.payload },
      ...(isFramed
        ? [
            { name: 'RUNBEAT_SPOOL', value: containerPaths.spool },
            { name: 'RUNBEAT_TERMINATION_LOG', value: containerPaths.terminationLog },
          ]
        : []),
      ...config.secretRefs.map((ref) => ({
        name: ref.name,
        valueFrom: { secretKeyRef: { name: ref.secret, key: ref.key, ...optional({ optional: ref.optional }) } },
      })),
      // One by one: `envFrom` would also take the prompt, which may be larger than a variable can be.
      ...secretVariables.map((name) => ({
        name,
        valueFrom: { secretKeyRef: { name: secretName(job), key: `${secretKeys.envPrefix}${name}` } },
      })),
    ],
    resources: {
      requests: { cpu: '100m', ...requests, memory: requests['memory'] ?? memory },
      limits: { ...limits, memory },
    },
    volumeMounts: [
      { name: 'runbeat-work', mountPath: containerPaths.work },
      { name: 'runbeat-input', mountPath: containerPaths.input, readOnly: true },
      ...(isFramed
        ? [
            { name: 'runbeat-shim', mountPath: containerPaths.shimFolder, readOnly: true },
            { name: 'runbeat-spool', mountPath: containerPaths.spool },
          ]
        : []),
      ...config.volumes.map((volume) => ({
        name: volume.name,
        mountPath: volume.mountPath,
        ...optional({ subPath: volume.subPath, readOnly: volume.readOnly }),
      })),
    ],
    securityContext: {
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    },
    terminationMessagePath: containerPaths.terminationLog,
    terminationMessagePolicy: 'File',
  };
}

/** Tells a Job of this very spec from one of the same name with another. */
export function specHash(spec: WireJob['spec']): string {
  return createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 32);
}

/** Without the members that are undefined: on the wire there is no such value. */
function optional<T extends object>(members: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}
