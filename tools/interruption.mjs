/* A signal that asks a command to end: it stops what it started in order, instead of dying. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** `exitCode` is undefined until a signal asks us to end; then `happened` resolves and `signal` is aborted. `stop` ends the watch. */
export function watchForInterruption() {
  const state = { exitCode: undefined, happened: undefined, signal: undefined, stop: undefined };
  const controller = new AbortController();
  const listeners = [];
  state.signal = controller.signal;
  state.happened = new Promise((resolve) => {
    for (const [signal, exitCode] of Object.entries(exitCodes)) {
      const listener = () => {
        state.exitCode ??= exitCode;
        controller.abort();
        resolve('interrupted');
      };
      process.on(signal, listener);
      listeners.push([signal, listener]);
    }
  });
  state.stop = () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
  return state;
}
