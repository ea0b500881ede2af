import { expect, it } from 'vitest';
import { fillTemplate, templateProblem } from './stdin-template.js';

const facts = {
  runId: 'r1',
  agent: { id: 'a', companyId: 'c', name: 'Ada', role: 'engineer' },
  input: {
    prompt: 'do {{payload.secret}}',
    reason: null,
    source: 'timer',
    payload: { secret: 'x', list: [1, { a: 2 }] },
    issue: { id: 'i', title: 'T', description: null, status: 'todo' },
    taskKey: null,
  },
};

it('fills in what it knows, and nothing for what is absent', () => {
  expect(fillTemplate('{{ agent.name }}|{{issue.title}}|{{issue.description}}|{{reason}}|{{payload.list}}', facts)).toBe(
    'Ada|T|||[1,{"a":2}]',
  );
});

it('does not look into what it filled in, nor at inherited members', () => {
  expect(fillTemplate('{{prompt}}', facts)).toBe('do {{payload.secret}}');
  expect(fillTemplate('{{payload.constructor}}{{payload.list.length}}', facts)).toBe('2');
});

it('names a placeholder that it does not know', () => {
  expect(templateProblem('{{promt}}')).toContain('{{promt}} is not known');
  expect(templateProblem('{{prompt}} {{payload.anything}} { {x} }')).toBeNull();
});
