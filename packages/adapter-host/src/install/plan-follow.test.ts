import { expect, test } from 'vitest';
import { type FollowedPackage, planFollow, type WantedPackage } from './plan-follow.js';

const row = (more: Partial<WantedPackage> = {}): WantedPackage => ({
  packageName: 'foo',
  version: '1.0.0',
  integrity: 'sha512-a',
  removalRequestedAt: null,
  revision: 'r1',
  ...more,
});
const own = (more: Partial<FollowedPackage> = {}): FollowedPackage => ({
  packageName: 'foo',
  revision: 'r1',
  version: '1.0.0',
  integrity: 'sha512-a',
  isRetired: false,
  ...more,
});
const steps = (rows: WantedPackage[], here: FollowedPackage[]): string[] => planFollow(rows, here).map(({ step }) => step);

test('an instance that runs what the rows say does nothing', () => {
  expect(steps([row()], [own()])).toEqual([]);
  expect(steps([], [])).toEqual([]);
});

test('a row that is not here is loaded, another version or content is switched to, a new revision is taken note of', () => {
  expect(steps([row()], [])).toEqual(['load']);
  expect(steps([row({ version: '1.1.0' })], [own()])).toEqual(['switch']);
  expect(steps([row({ integrity: 'sha512-b' })], [own()])).toEqual(['switch']);
  expect(steps([row({ revision: 'r2' })], [own()])).toEqual(['restate']);
});

test('a package without a row goes, and one that is on its way out is left alone', () => {
  expect(steps([], [own()])).toEqual(['retire']);
  expect(steps([], [own({ isRetired: true })])).toEqual([]);
});

test('a forced removal is followed by instances that run it, and loaded for its runs after a restart', () => {
  const leaving = row({ removalRequestedAt: new Date(0), revision: 'r2' });
  expect(steps([leaving], [own()])).toEqual(['retire']);
  expect(steps([leaving], [own({ isRetired: true })])).toEqual([]);
  expect(steps([leaving], [])).toEqual(['load']);
});

test('a package that was added again while the old one drains is loaded beside it', () => {
  expect(steps([row({ revision: 'r3' })], [own({ isRetired: true })])).toEqual(['load']);
});
