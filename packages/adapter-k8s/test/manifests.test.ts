import { readFileSync } from 'node:fs';
import { loadYaml } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { adapterK8sErrorCodes } from '../src/index.js';
import { neededRights } from '../src/test-environment.js';

const text = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
}

test('the documented Role gives exactly the rights that testEnvironment asks for', () => {
  const { rules } = loadYaml<{ rules: Rule[] }>(text('deploy/kubernetes/role.yaml'));
  const given = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource}:${verb}`))),
  );
  const needed = neededRights.map(
    ({ group, resource, subresource, verb }) => `${group}/${resource}${subresource ? `/${subresource}` : ''}:${verb}`,
  );
  expect(given.sort()).toEqual(needed.sort());
});

test('every error code has its line in docs/errors.md, and every line a code', () => {
  const section = text('docs/errors.md').split('## @runbeat/adapter-k8s')[1]?.split('\n## ')[0] ?? '';
  const documented = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
  expect(documented.sort()).toEqual([...adapterK8sErrorCodes].sort());
});
