import tseslint from 'typescript-eslint';

// Biome formats and finds the ordinary mistakes; ESLint is here only for what needs types, and for the length of files.
export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/template/**', '**/*.mjs', '**/*.js'] },
  {
    files: ['**/*.ts'],
    // One program for the whole repository: a program per package would read the packages below it again each time.
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: './tsconfig.all.json', tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['**/*.test.ts', '**/test/**/*.ts', 'e2e/**/*.ts', '**/simulator/**/*.ts'],
    rules: { 'max-lines': ['error', { max: 700 }] },
  },
);
