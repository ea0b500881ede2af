import { BatchV1Api, CoreV1Api, type KubeConfig, type V1Job, type V1Pod } from '@kubernetes/client-node';

/** What a person does beside Runbeat, with the same rights. Independent of the adapter's own transport. */
export interface Kubectl {
  jobs(): Promise<V1Job[]>;
  pods(jobName: string): Promise<V1Pod[]>;
  deletePod(name: string, graceSeconds?: number): Promise<void>;
  deleteJob(name: string): Promise<void>;
  createSuspendedJob(name: string, labels: Record<string, string>, annotations: Record<string, string>): Promise<void>;
  untilGone(jobName: string): Promise<void>;
  deleteEverything(): Promise<void>;
}

/** The orphan case has an instance of its own: its sweep must not see the other cases' Jobs while they are being made. */
export function orphanInstance(instance: string): string {
  return `${instance}-orphans`;
}

export async function createKubectl(config: KubeConfig, namespace: string, instance: string): Promise<Kubectl> {
  const batch = config.makeApiClient(BatchV1Api);
  const core = config.makeApiClient(CoreV1Api);
  const labelSelector = `app.kubernetes.io/instance in (${instance},${orphanInstance(instance)})`;

  const ignoreMissing = async (call: Promise<unknown>): Promise<void> => {
    try {
      await call;
    } catch (error) {
      if ((error as { code?: number }).code !== 404) throw error;
    }
  };
  const jobs = async (): Promise<V1Job[]> => (await batch.listNamespacedJob({ namespace, labelSelector })).items;
  const pods = async (jobName: string): Promise<V1Pod[]> =>
    (await core.listNamespacedPod({ namespace, labelSelector: `job-name=${jobName}` })).items;

  return {
    jobs,
    pods,
    deletePod: (name, graceSeconds) =>
      ignoreMissing(
        core.deleteNamespacedPod({
          name,
          namespace,
          ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
        }),
      ),
    deleteJob: (name) => ignoreMissing(batch.deleteNamespacedJob({ name, namespace, propagationPolicy: 'Background' })),
    async createSuspendedJob(name, labels, annotations) {
      const body: V1Job = {
        metadata: { name, labels: { 'app.kubernetes.io/instance': orphanInstance(instance), ...labels }, annotations },
        spec: {
          suspend: true,
          template: { spec: { restartPolicy: 'Never', containers: [{ name: 'work', image: 'node:20' }] } },
        },
      };
      await batch.createNamespacedJob({ namespace, body });
    },
    async untilGone(jobName) {
      const limitAt = Date.now() + 60_000;
      for (;;) {
        const left = await pods(jobName);
        const job = (await jobs()).some((each) => each.metadata?.name === jobName);
        if (left.length === 0 && !job) return;
        if (Date.now() > limitAt) throw new Error(`Job ${jobName} or a Pod of it is still there`);
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    },
    async deleteEverything() {
      for (const job of await jobs()) {
        const name = job.metadata?.name ?? '';
        await ignoreMissing(batch.deleteNamespacedJob({ name, namespace, propagationPolicy: 'Background' }));
      }
    },
  };
}
