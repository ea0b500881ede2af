import { z } from 'zod';
import { dnsLabel, dnsSubdomain, environmentName, labelValue, qualifiedName, secretKey, text } from './kubernetes-names.js';
import { quantityValue } from './quantity.js';
import { runVolume } from './volume-config.js';

const quantity = z.string().refine((value) => (quantityValue(value) ?? 0) > 0, {
  error: 'Must be a Kubernetes quantity above 0, such as 500m, 2, 256Mi or 1Gi.',
});
const quantities = z.record(qualifiedName, quantity);

const resources = z
  .strictObject({ requests: quantities.optional(), limits: quantities.optional() })
  .superRefine(({ requests = {}, limits = {} }, issues) => {
    for (const [name, asked] of Object.entries(requests)) {
      const limit = limits[name];
      if (limit === undefined || (quantityValue(asked) ?? 0) <= (quantityValue(limit) ?? 0)) continue;
      issues.addIssue({ code: 'custom', path: ['requests', name], message: `Must not exceed its limit of ${limit}.` });
    }
  });

const toleration = z.strictObject({
  key: qualifiedName.optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: labelValue.optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().min(0).optional(),
});

const secretRef = z
  .strictObject({ name: environmentName, secret: dnsSubdomain, key: secretKey, optional: z.boolean().optional() })
  .describe('An environment variable whose value lies in a Secret of the namespace.');

/** Fields of the Pod that the adapter's promises rest on; a patch may not move them. */
const protectedPodFields = ['containers', 'initContainers', 'restartPolicy', 'activeDeadlineSeconds', 'volumes'];

const podTemplatePatch = z
  .strictObject({
    metadata: z
      .strictObject({
        labels: z.record(qualifiedName, labelValue).optional(),
        annotations: z.record(qualifiedName, z.string()).optional(),
      })
      .optional(),
    spec: z.record(text, z.json()).optional(),
  })
  .superRefine(({ metadata, spec = {} }, issues) => {
    for (const field of protectedPodFields.filter((name) => name in spec)) {
      issues.addIssue({ code: 'custom', path: ['spec', field], message: 'Set by the adapter; use its own setting instead.' });
    }
    for (const label of Object.keys(metadata?.labels ?? {}).filter((name) =>
      /^(app\.kubernetes\.io|runbeat\.dev)\//.test(name),
    )) {
      issues.addIssue({ code: 'custom', path: ['metadata', 'labels', label], message: 'Set by the adapter.' });
    }
  });

/** What an agent of type `k8s` is configured with. Unknown fields and empty strings are refused; times are in seconds. */
export const k8sConfig = z
  .strictObject({
    image: text.max(512).regex(/^\S+$/, { error: 'An image name has no spaces.' }).describe('Image of the work container.'),
    command: z.array(text).min(1).optional().describe("Absent = the image's own entry point."),
    args: z.array(z.string()).optional(),
    workingDir: text
      .max(1024)
      .regex(/^\//, { error: 'An absolute path.' })
      .optional()
      .describe('Absent = a writable folder of the run.'),
    env: z.record(environmentName, z.string()).default({}).describe('Kept in a Secret of the run, not in the Job.'),
    secretRefs: z.array(secretRef).max(200).default([]),
    resources: resources.default({ requests: { cpu: '100m', memory: '256Mi' } }),
    namespace: dnsLabel.optional().describe("Absent = that of the kubeconfig's context."),
    serviceAccountName: dnsSubdomain.optional(),
    nodeSelector: z.record(qualifiedName, labelValue).optional(),
    tolerations: z.array(toleration).optional(),
    imagePullSecrets: z.array(dnsSubdomain).optional(),
    imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional(),
    runtimeClassName: dnsSubdomain.optional(),
    priorityClassName: dnsSubdomain.optional(),
    runAsUser: z.int().min(1).max(2_147_483_647).default(1000).describe('User id of the work; root is not possible.'),
    volumes: z.array(runVolume).max(50).default([]),
    podTemplatePatch: podTemplatePatch.optional().describe('Merge patch over the Pod template.'),
    kubeconfig: text.max(4096).optional().describe('Path on the server. Absent = KUBECONFIG, ~/.kube/config, in-cluster.'),
    context: text.max(253).optional(),
    logs: z
      .enum(['auto', 'plain', 'framed'])
      .default('auto')
      .describe(
        'framed = stdout and stderr told apart and every lost byte accounted for; needs nodePath. auto = framed when nodePath is set.',
      ),
    nodePath: text.max(512).optional().describe('Path of Node in the image (`node` if on PATH): the image can run the log shim.'),
    gracePeriodSeconds: z.int().min(1).max(3600).default(30),
    maxRuntimeSeconds: z
      .int()
      .min(1)
      .max(31_536_000)
      .default(86_400)
      .describe("The Pod's own deadline, also when no server runs."),
    startAllowanceSeconds: z.int().min(0).max(86_400).default(900),
  })
  .superRefine((config, issues) => {
    const isFramed = config.logs === 'framed' || (config.logs === 'auto' && config.nodePath !== undefined);
    if (config.logs === 'framed' && config.nodePath === undefined) {
      issues.addIssue({ code: 'custom', path: ['nodePath'], message: 'Framed logs need the path of Node in the image.' });
    }
    if (isFramed && config.command === undefined) {
      issues.addIssue({ code: 'custom', path: ['command'], message: 'Framed logs need to know the command that they wrap.' });
    }
    const names = config.volumes.map((volume) => volume.name);
    const paths = config.volumes.map((volume) => volume.mountPath);
    if (new Set(names).size < names.length || new Set(paths).size < paths.length) {
      issues.addIssue({ code: 'custom', path: ['volumes'], message: 'Names and mount paths must differ from each other.' });
    }
    for (const [index, ref] of config.secretRefs.entries()) {
      if (!(ref.name in config.env)) continue;
      issues.addIssue({ code: 'custom', path: ['secretRefs', index, 'name'], message: 'Is in `env` too.' });
    }
  });

export type K8sConfig = z.infer<typeof k8sConfig>;

/** Whether the run's log is framed; decided by the settings alone, never by looking at the image. */
export function logModeOf(config: K8sConfig): 'plain' | 'framed' {
  if (config.logs !== 'auto') return config.logs;
  return config.nodePath === undefined ? 'plain' : 'framed';
}
