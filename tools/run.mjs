/*
 * The one entry point of package.json's scripts: `node tools/run.mjs start|test|test:failures|test:browser|test:clients|test:room|test:warehouse|bench|check|prepare [arguments]`. Whatever is
 * asked for, a bare clone is first made ready, so that a newcomer types one line. Until then only Node's own modules exist;
 * the tools that need packages are therefore loaded afterwards.
 */
const oldestNode = [20, 19];
const [mode, ...args] = process.argv.slice(2);
const modes = {
  start: async () => (await import('./start.mjs')).start(),
  test: async () => (await import('./test.mjs')).test(args),
  'test:failures': async () => (await import('./test.mjs')).testFailures(args),
  'test:browser': async () => (await import('./test.mjs')).testBrowser(args),
  'test:clients': async () => (await import('./test-clients.mjs')).testClients(args),
  'test:room': async () => (await import('./test-room.mjs')).testRoom(args),
  'test:warehouse': async () => (await import('./test-warehouse.mjs')).testWarehouse(args),
  bench: async () => (await import('./test.mjs')).bench(args),
  check: async () => (await import('./check.mjs')).check(),
  prepare: () => 0,
};

process.stdout.on('error', () => {}); // `npm start | head` must still stop in order

process.exitCode = await main().catch((error) => {
  console.error(error.message);
  return 1;
});

async function main() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    throw new Error(`Usher needs Node ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`);
  }
  if (!Object.hasOwn(modes, mode))
    throw new Error(`Usage: node tools/run.mjs ${Object.keys(modes).join('|')} [arguments]`);
  const { prepare } = await import('./prepare.mjs');
  await prepare({
    toRun: mode !== 'check' && mode !== 'prepare',
    toRead: mode === 'start' || mode === 'test:browser',
  });
  return modes[mode]();
}
