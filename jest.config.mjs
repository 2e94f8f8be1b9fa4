// Native ESM (run with --experimental-vm-modules): decorators need swc, and `.js` in an import means the `.ts` beside it.
const browser = process.env.USHER_BROWSER === '1';
const outside = ['/node_modules/', '/dist/', '/test/browser/'];

export default {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/template.mjs',
  testMatch: browser ? ['**/test/browser/**/*.test.ts'] : ['**/*.spec.ts', '**/test/**/*.test.ts'],
  testPathIgnorePatterns: browser ? ['/node_modules/', '/dist/'] : outside,
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.usher/', '<rootDir>/clients/.*/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
          keepClassNames: true,
        },
      },
    ],
  },
  testTimeout: 90_000,
  maxWorkers: 2,
};
