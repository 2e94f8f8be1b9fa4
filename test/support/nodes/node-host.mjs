/*
 * `node node-host.mjs <bundle>`: a process that boots the server in `dist/` again and again, one node after the other, each with an
 * environment of its own. To load and compile the bundle is most of a boot: the second takes a sixth of the CPU time of the first. Nothing
 * else is shared by its nodes, since the server keeps no state outside of its modules' providers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadBundle } from '../../../tools/load-bundle.mjs';

const { bootFromEnvironment } = loadBundle(process.argv[2]).exports;
const LEAVE_MS = 2_000;
const LOOK_MS = 20;
let app;

const acts = {
  /** A boot that fails ends the process, as it does in production. */
  async boot({ environment }) {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, environment);
    app = await bootFromEnvironment();
  },
  /** Ends the node as SIGTERM does. Fails when a timer, a socket or a server of it is left: the next node would have it too. */
  async close() {
    await app?.close();
    app = undefined;
    for (const until = Date.now() + LEAVE_MS; leftBehind().length > 0; await sleep(LOOK_MS))
      if (Date.now() > until) throw new Error(`a closed node left behind: ${leftBehind().join()}`);
  },
};

/** What would keep the process alive, but for the channel to the pool. */
const leftBehind = () => process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap');

process.once('disconnect', () => process.exit(0));
process.on('message', (message) => {
  acts[message.act](message).then(
    () => process.send({ done: message.act }),
    (error) => process.send({ done: message.act, error: String(error?.stack ?? error) }),
  );
});
