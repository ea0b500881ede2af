import { packageTests } from '../../vitest.shared.js';

const settings = packageTests({ name: 'adapter-sdk' });

export default {
  ...settings,
  // The type tests (`*.test-d.ts`) run with the others: what must not compile is a promise like any other.
  test: { ...settings.test, typecheck: { enabled: true, include: ['src/**/*.test-d.ts'], tsconfig: './tsconfig.json' } },
};
