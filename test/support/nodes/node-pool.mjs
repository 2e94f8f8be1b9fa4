/*
 * The processes in which tests run their nodes (node-host.mjs), kept from one test file to the next by the process of Jest that starts the
 * workers. Tests ask it over HTTP:
 * - `POST /nodes` `{ bundle, environment }` → `{ id, pid, log: { file, start } }`, or 500 `{ log }` when the node ended at boot
 * - `POST /nodes/<id>/signal` `{ signal }` → `{ exited }` once the process has ended
 * - `DELETE /nodes/<id>` closes the node, whose process takes the next one
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('node-host.mjs', import.meta.url));
/** A process has some 240 MB at first, and some 5 MB more with each node. */
const MOST_NODES_OF_A_PROCESS = 25;
/** As many as workers of Jest, and one: an idle process costs memory alone. */
const MOST_IDLE = 4;
const CLOSE_MS = 30_000;

export class NodePool {
  #folder = mkdtempSync(join(tmpdir(), 'usher-nodes-'));
  #idle = [];
  #busy = new Map();
  #started = 0;
  #server = createServer((request, response) => {
    this.#handle(request).then(
      ({ status = 200, body = {} }) => response.writeHead(status).end(JSON.stringify(body)),
      (error) => response.writeHead(500).end(JSON.stringify({ log: String(error?.stack ?? error) })),
    );
  });

  /** Returns the URL. */
  async start() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  async stop() {
    this.#server.close();
    this.#server.closeAllConnections();
    await Promise.all([...this.#idle, ...this.#busy.values()].map((host) => host.end('SIGKILL')));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #handle(request) {
    const [, , id, act] = request.url.split('/');
    if (request.method === 'DELETE') return this.#close(id);
    const body = JSON.parse(await textOf(request));
    if (act !== 'signal') return this.#boot(body);
    const exited = await this.#busy.get(id).end(body.signal);
    this.#busy.delete(id);
    return { body: { exited } };
  }

  async #boot({ bundle, environment }) {
    const place = this.#idle.findLastIndex((host) => host.bundle === bundle);
    const [host = this.#spawn(bundle, environment)] = place < 0 ? [] : this.#idle.splice(place, 1);
    const id = String((this.#started += 1));
    const start = host.logSize();
    this.#busy.set(id, host);
    if (await host.does('boot', { environment }))
      return { body: { id, pid: host.pid, log: { file: host.file, start } } };
    this.#busy.delete(id);
    return { status: 500, body: { log: host.log(start) } };
  }

  async #close(id) {
    const host = this.#busy.get(id);
    this.#busy.delete(id);
    const isClosed = await host.does('close');
    if (isClosed && host.boots < MOST_NODES_OF_A_PROCESS) this.#idle.push(host);
    else await host.end('SIGKILL');
    if (this.#idle.length > MOST_IDLE) await this.#idle.shift().end('SIGKILL');
    return {};
  }

  #spawn(bundle, { PATH, NODE_ENV }) {
    return new Host(bundle, join(this.#folder, `${(this.#started += 1)}.log`), { PATH, NODE_ENV });
  }
}

class Host {
  boots = 0;
  #child;
  #exited;

  constructor(bundle, file, env) {
    this.bundle = bundle;
    this.file = file;
    const output = openSync(file, 'a');
    this.#child = spawn(process.execPath, [program, bundle], {
      env,
      stdio: ['ignore', output, output, 'ipc'],
    });
    closeSync(output);
    this.#exited = once(this.#child, 'exit').then(([code, signal]) => String(signal ?? code));
  }

  get pid() {
    return this.#child.pid;
  }

  logSize = () => statSync(this.file).size;
  log = (start) => readFileSync(this.file).subarray(start).toString();

  /** Returns whether it was done, which it is not when the process ended. */
  async does(act, more = {}) {
    if (act === 'boot') this.boots += 1;
    if (!this.#child.connected) return false;
    this.#child.send({ act, ...more }, () => undefined);
    const done = once(this.#child, 'message').then(([{ error }]) => {
      if (error !== undefined) process.stderr.write(`${error}\n`);
      return error === undefined;
    });
    return Promise.race([done, this.#exited.then(() => false), late(act)]);
  }

  /** Sends the signal and returns the exit code or signal once the process has ended. */
  async end(signal) {
    this.#child.kill(signal);
    return this.#exited;
  }
}

const late = (act) =>
  new Promise((resolve) => {
    if (act === 'close') setTimeout(resolve, CLOSE_MS, false).unref();
  });

async function textOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}
