import type { Container, Pod } from './api-objects.js';
import type { Cluster } from './cluster.js';
import type { ObjectStore } from './object-store.js';
import { quantityValue } from './quantities.js';

/** Why a container cannot start now, in the words of a real kubelet (test/golden/06a, 06b). */
export interface ContainerObstacle {
  readonly reason: string;
  readonly message: string;
  readonly isImage: boolean;
}

export function containerObstacle(
  pod: Pod,
  container: Container,
  cluster: Cluster,
  attempt: number,
): { reason: string; message: string; isImage: boolean } | null {
  return imageObstacle(container, cluster, attempt) ?? configObstacle(pod, container, cluster);
}

function imageObstacle(container: Container, cluster: Cluster, attempt: number): ContainerObstacle | null {
  const { image } = container;
  const repository = image.split(':')[0] ?? '';
  if (/[A-Z]/.test(repository)) {
    return {
      reason: 'InvalidImageName',
      message: `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format: repository name (${repository.split('/').at(-1)}) must be lowercase`,
      isImage: true,
    };
  }
  const behaviour = cluster.images.get(image) ?? { kind: 'missing' };
  if (behaviour.kind !== 'missing') return null;
  if (container.imagePullPolicy === 'Never') {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    return { reason: 'ErrImageNeverPull', message, isImage: true };
  }
  const pull = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
  return attempt % 2 === 0
    ? { reason: 'ErrImagePull', message: pull, isImage: true }
    : { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}": ErrImagePull: ${pull}`, isImage: true };
}

function configObstacle(pod: Pod, container: Container, cluster: Cluster): ContainerObstacle | null {
  const { name, namespace, uid } = pod.metadata;
  const context = { ...pod.spec.securityContext, ...container.securityContext };
  const image = cluster.images.get(container.image);
  const isNonRootImage = image?.kind === 'present' && image.isNonRoot === true;
  if (context.runAsNonRoot && context.runAsUser === undefined && !isNonRootImage) {
    return configError(
      `container has runAsNonRoot and image will run as root (pod: "${name}_${namespace}(${uid})", container: ${container.name})`,
    );
  }
  for (const { valueFrom } of container.env ?? []) {
    const reference = valueFrom?.secretKeyRef;
    if (!reference || reference.optional) continue;
    const secret = cluster.store.get('secrets', namespace, reference.name);
    if (!secret) return configError(`secret "${reference.name}" not found`);
    if (secret.data?.[reference.key] === undefined) {
      return configError(`couldn't find key ${reference.key} in Secret ${namespace}/${reference.name}`);
    }
  }
  return null;
}

function configError(message: string): ContainerObstacle {
  return { reason: 'CreateContainerConfigError', message, isImage: false };
}

export function missingVolume(pod: Pod, store: ObjectStore): { volume: string; problem: string } | null {
  for (const volume of pod.spec.volumes ?? []) {
    if (!volume.secret || volume.secret.optional) continue;
    const { secretName, items = [] } = volume.secret;
    const secret = store.get('secrets', pod.metadata.namespace, secretName);
    if (!secret) return { volume: volume.name, problem: `secret "${secretName}" not found` };
    const missing = items.find((item) => secret.data?.[item.key] === undefined);
    if (missing) return { volume: volume.name, problem: `references non-existent secret key: ${missing.key}` };
  }
  return null;
}

export function environmentOf(pod: Pod, container: Container, store: ObjectStore): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env ?? []) {
    const reference = valueFrom?.secretKeyRef;
    if (!reference) {
      env[name] = value ?? '';
      continue;
    }
    const encoded = store.get('secrets', pod.metadata.namespace, reference.name)?.data?.[reference.key];
    if (encoded !== undefined) env[name] = Buffer.from(encoded, 'base64').toString('utf8');
  }
  return env;
}

export function memoryLimitOf(container: Container): number | null {
  const limit = container.resources?.limits?.memory;
  return limit === undefined ? null : quantityValue(limit);
}
