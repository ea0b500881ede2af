import { test } from 'node:test';
import { adapterConformance } from '@runbeat/adapter-testkit';
import config from '../conformance.config.js';
import adapter from '../dist/index.js';

adapterConformance({
  test,
  createAdapter: () => adapter,
  adapterModule: new URL('../dist/index.js', import.meta.url),
  ...config,
});
