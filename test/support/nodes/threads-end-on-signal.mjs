/* For `NODE_OPTIONS=--import=…`: at SIGWINCH the node ends its threads, as if they had crashed. (Nest takes SIGUSR2 for a shutdown.) */
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

if (threads.isMainThread) {
  const running = new Set();
  threads.Worker = class extends threads.Worker {
    constructor(...of) {
      super(...of);
      running.add(this);
      this.once('exit', () => running.delete(this));
    }
  };
  syncBuiltinESMExports();
  process.on('SIGWINCH', () => running.forEach((thread) => void thread.terminate()));
}
