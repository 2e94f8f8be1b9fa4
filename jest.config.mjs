// Native ESM (run with --experimental-vm-modules): decorators need swc, and `.js` in an import means the `.ts` beside it.

/**
 * Which tests run, by USHER_SUITE. Tests of failures and overload take a third of the time of all, most of it to wait for timeouts: with them
 * `.ci/run` would not keep to its 15 minutes.
 */
const suites = {
  all: {
    testMatch: ['**/*.spec.ts', '**/test/**/*.test.ts'],
    without: ['/test/browser/', '/test/warehouse/'],
  },
  quick: {
    testMatch: ['**/*.spec.ts', '**/test/**/*.test.ts'],
    without: ['/test/browser/', '/test/failure/', '/test/warehouse/'],
  },
  failures: { testMatch: ['**/test/failure/**/*.test.ts'], without: [] },
  warehouse: { testMatch: ['**/test/warehouse/**/*.test.ts'], without: [] },
  browser: { testMatch: ['**/test/browser/**/*.test.ts'], without: [] },
};
const { testMatch, without } = suites[process.env.USHER_SUITE ?? 'all'];

export default {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  testMatch,
  // Jest lists all files below: not those of packages, which it finds without.
  roots: ['src', 'test', 'clients', 'tools'].map((folder) => `<rootDir>/${folder}`),
  testPathIgnorePatterns: ['/node_modules/', '/dist/', ...without],
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
  // One more than the cores of the smallest machine: tests wait for time-outs, a sixth of the time of two workers.
  maxWorkers: 3,
  // A worker has some 600 MB in the end, and needs more than the usual half second to give them back. A handle that is left open lasts longer.
  workerGracefulExitTimeout: 5_000,
};
