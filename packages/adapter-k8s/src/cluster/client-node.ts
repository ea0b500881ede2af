/**
 * The part of client-node that is used: how a kubeconfig is read and a command is run in a container. Its thousand API
 * classes are left out of the built package.
 */
export { Exec, KubeConfig } from '@kubernetes/client-node';
