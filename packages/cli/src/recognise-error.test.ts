import { AdapterError } from '@runbeat/adapter-sdk';
import { RunbeatApiError } from '@runbeat/client';
import { createRunner } from '@runbeat/runner';
import { ServerError } from '@runbeat/server';
import { expect, test } from 'vitest';
import { isAdapterError, isRunbeatApiError, isRunnerError, isServerError } from './recognise-error.js';

const recognisers = { isAdapterError, isRunbeatApiError, isRunnerError, isServerError };
const errors = {
  isAdapterError: new AdapterError('example', 'of an adapter'),
  isRunbeatApiError: new RunbeatApiError({ code: 'example', message: 'of the client' }),
  isRunnerError: errorOf(() => createRunner({ serverUrl: 'no URL', home: '/nowhere', adapters: [] })),
  isServerError: new ServerError('settings_invalid', 'of the server'),
};

test.each(Object.entries(errors))('%s knows its own errors, and no other knows them', (name, error) => {
  const known = Object.entries(recognisers).filter(([, isKnown]) => isKnown(error));
  expect(known.map(([recogniser]) => recogniser)).toEqual([name]);
});

test.each([new Error('of Node'), 'text', null, undefined])('%s is nobody’s error', (error) => {
  expect(Object.values(recognisers).map((isKnown) => isKnown(error))).toEqual([false, false, false, false]);
});

function errorOf(fails: () => unknown): unknown {
  try {
    fails();
  } catch (error) {
    return error;
  }
  return null;
}
