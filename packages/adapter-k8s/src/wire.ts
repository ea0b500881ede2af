import type {
  CoreV1Event,
  V1ContainerStatus,
  V1Job,
  V1JobCondition,
  V1Pod,
  V1PodCondition,
  V1PodTemplateSpec,
  V1Secret,
} from '@kubernetes/client-node';

/** client-node's types describe parsed objects; on the wire every time is a string. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Key in keyof T]: Wire<T[Key]> }
      : T;

export type WireJob = Wire<V1Job>;
export type WirePod = Wire<V1Pod>;
export type WireSecret = Wire<V1Secret>;
export type WireEvent = Wire<CoreV1Event>;
export type WirePodTemplate = Wire<V1PodTemplateSpec>;
export type WireContainerStatus = Wire<V1ContainerStatus>;
export type WireJobCondition = Wire<V1JobCondition>;
export type WirePodCondition = Wire<V1PodCondition>;

/** A list as the server sends it: items carry neither kind nor apiVersion. */
export interface WireList<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly T[];
}
