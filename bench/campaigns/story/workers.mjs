/* Workers that are killed with SIGKILL, again and again: when their time is up, or at a statement of their work before that. */
import { setTimeout as pause } from 'node:timers/promises';
import { StatementProxy } from '../../statement-proxy.mjs';
import { startNode } from '../nodes.mjs';
import { chanceOf } from './random.mjs';

/** Statements with which the work begins that a campaign gives to workers. */
const BEGINS = [
  'campaign-progress-claim',
  'claim-members',
  'claim-pushes',
  'claim-messages',
  'delivery-scan-claim',
  'engagement-watermark-claim',
  'enqueue-pushes',
];
/** How many statements of its work a worker sends in a second, at least. */
const STATEMENTS_PER_SECOND = 25;

/** One worker after the other. */
export class DyingWorkers {
  /** How each of them died. */
  kills = [];
  #isOver = false;
  #worker;
  #proxy;
  #living;
  #failure;
  #over = new AbortController();

  /** `onKill`: called when one is dead. */
  constructor({
    databaseUrl,
    environment,
    seed,
    name,
    everyMs,
    mostKills = Infinity,
    onKill = async () => {},
  }) {
    Object.assign(this, { databaseUrl, environment, seed, name, everyMs, mostKills, onKill });
  }

  async start() {
    this.#proxy = await StatementProxy.start(this.databaseUrl, BEGINS);
    this.#living = this.#live();
    this.#living.catch((error) => (this.#failure = error));
  }

  /** Throws when no worker can be started. */
  check() {
    if (this.#failure) throw this.#failure;
  }

  /** No further one is killed. Resolves when the last one works. */
  async spare() {
    this.#isOver = true;
    this.#over.abort();
    await this.#living;
  }

  /** How often the worker has sent this statement. */
  seen(name) {
    return this.#proxy.seen(name);
  }

  async stop() {
    this.#isOver = true;
    this.#over.abort();
    await this.#living?.catch(() => {});
    await this.#worker?.stop();
    this.#proxy?.close();
  }

  async #live() {
    for (;;) {
      this.#worker = await startNode(this.#proxy.url, 'worker', this.environment);
      if (this.#isOver || this.kills.length >= this.mostKills) return;
      const how = await this.#death(this.#worker);
      this.#proxy.disarm();
      if (how === undefined) return;
      this.#worker.kill();
      await this.#worker.ended;
      this.kills.push(how);
      await this.onKill();
    }
  }

  /** Returns how it is to die; undefined when nobody is killed any more. */
  async #death(worker) {
    const chance = (what) => chanceOf(this.seed, `${this.name} ${this.kills.length} ${what}`);
    const nth = 1 + Math.floor((chance('statement') * STATEMENTS_PER_SECOND * this.everyMs) / 1_000);
    const moment = chance('moment') < 0.5 ? 'before' : 'after';
    // Every second one dies by the clock.
    const atStatement =
      this.kills.length % 2 === 0
        ? this.#proxy.killAt(nth, moment, () => worker.kill())
        : new Promise(() => {});
    const byClock = pause(this.everyMs, 'by the clock', { signal: this.#over.signal }).catch(() => undefined);
    return Promise.race([atStatement, byClock]);
  }
}
