/* Everything that is in the room, opened and closed in order: sign-in, nodes, lines, devices, publisher. */
import { makeSecrets, startDevelopmentUsher } from '../development-usher.mjs';
import { migrate } from '../migrate.mjs';
import { freePort } from '../ports.mjs';
import { TcpProxy } from '../tcp-proxy.mjs';
import { makeBackOffice } from './back-office.mjs';
import { openDevice } from './device.mjs';
import { seededRandom, startFaults } from './faults.mjs';
import { findDevices } from './programs.mjs';
import { openPublisher, publisherOf } from './publisher.mjs';
import { bundlePage, startSignIn } from './sign-in.mjs';

/** The server asks for a new token a minute before the end, so a device renews it every four seconds or so. */
const TOKEN_SECONDS = 64;

/**
 * Starts everything, of the devices only those of `names` if there are any. Toolchains that are missing are in `missing`. Throws if anything
 * does not start; nothing is left running then.
 */
export async function openRoom({ environment, names, seed, signal }) {
  await migrate(environment.DATABASE_URL);
  const stops = [];
  const close = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    return { ...(await openAll({ environment, names, seed, signal, stops })), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What is opened adds how it is stopped to `stops`. The programs come first, since they may have to be compiled. */
async function openAll({ environment, names, seed, signal, stops }) {
  const secrets = makeSecrets();
  const programs = findDevices().filter(({ name }) => names.length === 0 || names.includes(name));
  const signIn = await openSignIn(programs, secrets);
  stops.push(signIn.close);
  const settings = { ...environment, ...secrets, CORS_ORIGINS: signIn.url };
  const nodes = await Promise.all([makeNode(settings), makeNode(settings)]);
  const lines = [];
  const openLine = async (name, onText) => {
    const node = nodes[lines.length % nodes.length];
    const line = { name, node, isCut: false, proxy: await TcpProxy.start(node.url, onText) };
    lines.push(line);
    stops.push(() => line.proxy.close());
    return line;
  };
  const missing = [];
  const devices = [];
  for (const program of programs) {
    const device = await openDevice({ program, signIn, openLine, signal });
    (device.missing ? missing : devices).push(device);
    if (device.stop) stops.push(device.stop);
  }
  const publisher = await openPublisher({ secrets, openLine, signal, missing });
  stops.push(publisher.stop);
  for (const node of nodes) {
    stops.push(node.stop);
    await node.start();
  }
  const random = seededRandom(seed);
  const inPlay = lines.filter(({ name }) => !missing.some((one) => one.name === name));
  return {
    ...publisherOf(publisher, devices),
    ...makeBackOffice({ nodes, secrets }),
    devices,
    missing,
    publisherName: publisher.name,
    startFaults: (options) => startFaults({ lines: inPlay, nodes, random, signal, ...options }),
  };
}

function openSignIn(programs, secrets) {
  const hasBrowser = programs.some(({ name, missing }) => name === 'browser' && !missing);
  return startSignIn({
    secret: secrets.AUTH_JWT_SECRET,
    tokenSeconds: TOKEN_SECONDS,
    page: hasBrowser ? bundlePage() : null,
  });
}

/** A node that can be killed and started again at the same address. */
async function makeNode(settings) {
  const port = await freePort();
  let running;
  const node = {
    url: `http://127.0.0.1:${port}`,
    isUp: false,
    start: async () => {
      running = await startDevelopmentUsher({ port, settings });
      node.isUp = true;
    },
    kill: async () => {
      node.isUp = false;
      await running.kill();
    },
    stop: () => running?.stop(),
  };
  return node;
}
