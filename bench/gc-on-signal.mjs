/* Loaded before a server whose memory is measured (with --expose-gc): SIGWINCH collects garbage, so that what is left is held. */
process.on('SIGWINCH', () => {
  globalThis.gc();
  globalThis.gc();
});
