import { describe, expect, test } from 'vitest';
import { k8sConfig, logModeOf } from './config.js';

const minimal = { image: 'node:20' };
const issuesOf = (config: object): string[] =>
  (k8sConfig.safeParse(config).error?.issues ?? []).map((issue) => issue.path.join('.') || issue.code);

describe('the config of an agent', () => {
  test('an image is enough', () => {
    expect(k8sConfig.parse(minimal)).toMatchObject({ runAsUser: 1000, gracePeriodSeconds: 30, logs: 'auto' });
  });

  test.each<[string, object, string]>([
    ['an unknown field', { imagee: 'x' }, 'unrecognized_keys'],
    ['an empty image', { image: '' }, 'image'],
    ['an image with a space', { image: 'a b' }, 'image'],
    ['an empty command', { command: [] }, 'command'],
    ['an empty word of a command', { command: [''] }, 'command.0'],
    ['an empty namespace', { namespace: '' }, 'namespace'],
    ['a namespace of 64 characters', { namespace: 'n'.repeat(64) }, 'namespace'],
    ['a name in upper case', { serviceAccountName: 'Runner' }, 'serviceAccountName'],
    ['an empty kubeconfig', { kubeconfig: '' }, 'kubeconfig'],
    ['a quantity that is none', { resources: { requests: { memory: '64 MB' } } }, 'resources.requests.memory'],
    ['a quantity of zero', { resources: { requests: { cpu: '0' } } }, 'resources.requests.cpu'],
    ['a negative quantity', { resources: { limits: { cpu: '-1' } } }, 'resources.limits.cpu'],
    [
      'a request above its limit',
      { resources: { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } } },
      'resources.requests.memory',
    ],
    ['a variable of Runbeat', { env: { RUNBEAT_RUN_ID: 'x' } }, 'env.RUNBEAT_RUN_ID'],
    ['a variable that is no name', { env: { 'a-b': 'x' } }, 'env.a-b'],
    ['root', { runAsUser: 0 }, 'runAsUser'],
    ['a hostPath', { volumes: [{ name: 'h', mountPath: '/h', hostPath: { path: '/' } }] }, 'volumes.0'],
    [
      'a mount over the adapter’s files',
      { volumes: [{ name: 'h', mountPath: '/runbeat/shim', emptyDir: {} }] },
      'volumes.0.mountPath',
    ],
    ['a label value of 64 characters', { nodeSelector: { disk: 'x'.repeat(64) } }, 'nodeSelector.disk'],
    ['a patch of the containers', { podTemplatePatch: { spec: { containers: [] } } }, 'podTemplatePatch.spec.containers'],
    ['framed logs without Node', { logs: 'framed', command: ['x'] }, 'nodePath'],
    ['framed logs without a command', { nodePath: 'node' }, 'command'],
    ['a variable given twice', { env: { A: '1' }, secretRefs: [{ name: 'A', secret: 's', key: 'k' }] }, 'secretRefs.0.name'],
  ])('%s is refused', (_, change, path) => {
    expect(issuesOf({ ...minimal, ...change })).toContain(path);
  });

  test('the settings decide on framed logs, nothing else', () => {
    expect(logModeOf(k8sConfig.parse(minimal))).toBe('plain');
    expect(logModeOf(k8sConfig.parse({ ...minimal, command: ['x'], nodePath: 'node' }))).toBe('framed');
    expect(logModeOf(k8sConfig.parse({ ...minimal, command: ['x'], nodePath: 'node', logs: 'plain' }))).toBe('plain');
  });
});
