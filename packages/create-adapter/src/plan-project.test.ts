import { describe, expect, it } from 'vitest';
import { planProject } from './plan-project.js';

describe('planProject', () => {
  it.each([
    ['/work/my-adapter', null, null, 'my-adapter', 'my'],
    ['/work/runbeat-adapter-foo', null, null, 'runbeat-adapter-foo', 'foo'],
    ['/work/x', '@acme/runbeat-adapter-foo.bar', null, '@acme/runbeat-adapter-foo.bar', 'foo-bar'],
    ['/work/x', '@acme/queue', 'acme_queue', '@acme/queue', 'acme_queue'],
    ['/work/adapter', null, null, 'adapter', 'adapter'],
  ])('names the package in %s', (folder, name, type, expectedName, expectedType) => {
    expect(planProject({ folder, name, type })).toEqual({ folder, name: expectedName, type: expectedType });
  });

  it.each(['My Adapter', '.hidden', '_x', '@acme', '@acme/', '@/x', '@acme/a/b', 'a b', 'ä', '', 'x'.repeat(215), '../up'])(
    "refuses '%s' as an npm name and says what to do",
    (name) => {
      expect(() => planProject({ folder: '/work/x', name, type: null })).toThrow(
        expect.objectContaining({ code: 'name_invalid', message: expect.stringContaining('--name ') }),
      );
    },
  );

  it('suggests a name that is allowed', () => {
    expect(() => planProject({ folder: '/work/My Ädapter!', name: null, type: null })).toThrow('--name my-dapter');
  });

  it.each(['9lives', 'Foo', 'a'.repeat(64), ''])("refuses '%s' as an adapter type", (type) => {
    expect(() => planProject({ folder: '/work/x', name: null, type })).toThrow(expect.objectContaining({ code: 'type_invalid' }));
  });

  it('asks for a type when the name makes none', () => {
    expect(() => planProject({ folder: '/work/9lives', name: null, type: null })).toThrow('--type');
  });
});
