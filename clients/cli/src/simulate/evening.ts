import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from '../failures.js';
import type { BackOffice } from './back-office.js';
import type { Ledger, SimulatedData, Verdict } from './ledger.js';
import { nextAct, Person } from './person.js';
import { SimulatedDevice, type SimulatedDeviceOptions } from './simulated-device.js';

/** A node lets a thousand devices connect in a second; this leaves room for others. */
const CONNECTS_PER_SECOND = 200;
const TICK_MS = 50;
/** Acts that wait for the back office at once. Beyond that people wait. */
const MOST_IN_FLIGHT = 64;
const CONNECTED_WITHIN_MS = 60_000;
/** A client waits half a minute between two attempts at most. */
const SETTLED_WITHIN_MS = 60_000;
const PLATFORMS = ['tv', 'ios'] as const;

/** What an evening is made of. */
export interface EveningOptions {
  readonly users: number;
  readonly seconds: number;
  /** How long a person waits between two acts, on average. */
  readonly paceSeconds: number;
  readonly url: string;
  readonly backOffice: BackOffice;
  readonly ledger: Ledger;
  readonly tokenOf: (userId: string) => Promise<string>;
  /** Ends the evening early, in order. */
  readonly signal: AbortSignal;
}

/** How things are at one instant. */
export interface Progress {
  readonly phase: 'connecting' | 'evening' | 'settling';
  readonly elapsedSeconds: number;
  readonly live: number;
  readonly devices: number;
  readonly verdict: Verdict;
  /** Acts that the back office did not answer. */
  readonly failedActs: number;
  /** Devices that do not show the plan that their user has. */
  readonly withoutPlan: number;
}

/** People with two devices each, who come, live and go. */
export class Evening {
  private readonly people: Person[] = [];
  private phase: Progress['phase'] = 'connecting';
  private beganAt = performance.now();
  private inFlight = 0;
  private failedActs = 0;

  constructor(private readonly options: EveningOptions) {}

  /** Runs it to its end. Throws Failure when the devices cannot connect. `close` ends what is left. */
  async run(): Promise<void> {
    const { backOffice, signal, seconds } = this.options;
    if (backOffice.sellsPlans) await backOffice.createPlans();
    await this.connect();
    this.phase = 'evening';
    this.beganAt = performance.now();
    while (!signal.aborted && this.progress().elapsedSeconds < seconds) {
      this.tick();
      await pause(TICK_MS);
    }
    this.phase = 'settling';
    await this.settle();
  }

  close(): void {
    for (const device of this.devices()) device.close();
  }

  progress(): Progress {
    const devices = this.devices();
    return {
      phase: this.phase,
      elapsedSeconds: Math.floor((performance.now() - this.beganAt) / 1_000),
      live: devices.filter(({ isLive }) => isLive).length,
      devices: devices.length,
      verdict: this.options.ledger.verdict(),
      failedActs: this.failedActs,
      withoutPlan: this.withoutPlan(),
    };
  }

  private withoutPlan(): number {
    return this.people.reduce((sum, person) => sum + person.withoutPlan(), 0);
  }

  private devices(): SimulatedDevice[] {
    return this.people.flatMap(({ devices }) => devices);
  }

  private async connect(): Promise<void> {
    const { users, signal } = this.options;
    const run = Date.now().toString(36);
    for (let n = 0; n < users && !signal.aborted; n += 1) {
      this.people.push(this.person(`simulated-${run}-${n}`));
      if ((n * PLATFORMS.length) % (CONNECTS_PER_SECOND / 10) === 0) await pause(100);
    }
    const allLive = await until(
      CONNECTED_WITHIN_MS,
      () => signal.aborted || this.devices().every(({ isLive }) => isLive),
    );
    const offline = this.devices().find(({ isLive }) => !isLive);
    if (!allLive && offline)
      throw new Failure(`Not every device could connect: ${offline.lastError || 'no answer in time'}`);
  }

  private person(userId: string): Person {
    const { url, ledger, backOffice, tokenOf } = this.options;
    const devices: SimulatedDevice[] = [];
    const person = new Person(userId, devices, ledger, backOffice);
    const common: Omit<SimulatedDeviceOptions, 'deviceId' | 'platform'> = {
      url,
      userId,
      token: () => tokenOf(userId),
      onEvent: (device, event) => person.receive(device, event),
    };
    for (const platform of PLATFORMS)
      devices.push(new SimulatedDevice({ ...common, platform, deviceId: `${userId}-${platform}` }));
    return person;
  }

  /** Lets as many people act as do so in this time, on average. */
  private tick(): void {
    const due = (this.people.length * TICK_MS) / 1_000 / this.options.paceSeconds;
    const count = Math.floor(due) + (Math.random() < due % 1 ? 1 : 0);
    for (let n = 0; n < count && this.inFlight < MOST_IN_FLIGHT; n += 1) {
      const person = this.people[Math.floor(Math.random() * this.people.length)] as Person;
      this.inFlight += 1;
      void person.act(nextAct(this.options.backOffice.sellsPlans)).then((isDone) => {
        this.inFlight -= 1;
        if (!isDone) this.failedActs += 1;
      });
    }
  }

  /** Everybody has a network again, and gets what they missed. */
  private async settle(): Promise<void> {
    await until(SETTLED_WITHIN_MS, () => this.inFlight === 0);
    for (const device of this.devices()) device.findNetwork();
    await until(SETTLED_WITHIN_MS, () => {
      for (const device of this.devices()) if (device.isLive) this.countState(device);
      const isComplete = this.options.ledger.lost() === 0 && this.withoutPlan() === 0;
      return isComplete && this.devices().every(({ isLive }) => isLive);
    });
  }

  /** After a restart of the server's numbering a device has what it missed in its state, and is not told. */
  private countState(device: SimulatedDevice): void {
    const missing = new Set(this.options.ledger.missingFor(device));
    if (missing.size === 0) return;
    for (const { type, data } of device.state.entries)
      if (type === 'simulation.event' && missing.has((data as SimulatedData).n))
        this.options.ledger.record(device, data as SimulatedData);
  }
}

/** Resolves to whether the condition became true in time. */
async function until(withinMs: number, condition: () => boolean): Promise<boolean> {
  for (const deadline = performance.now() + withinMs; !condition(); await pause(TICK_MS))
    if (performance.now() > deadline) return false;
  return true;
}
