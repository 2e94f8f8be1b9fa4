import type { Envelope } from '../../../web/src/index.js';
import { type BackOffice, PLANS } from './back-office.js';
import type { Ledger, Measured, SimulatedData } from './ledger.js';
import type { SimulatedDevice } from './simulated-device.js';

/** What people do in an evening, and how often one thing happens compared with another. */
const ACTS = { event: 50, watch: 14, pause: 10, rollOver: 8, loseNetwork: 10, changePlan: 8 } as const;
/** One of ACTS. */
export type Act = keyof typeof ACTS;
const WEIGHT = Object.values(ACTS).reduce((sum, weight) => sum + weight, 0);
/** How events are spread over the tiers. */
const TIERS: readonly Measured[] = ['critical', 'important', 'important', 'routine'];
const EPISODE_SECONDS = 3_000;
/** A tunnel, a lift, a router that restarts. */
const WITHOUT_NETWORK_MS = { least: 500, most: 5_000 };

/** One user with their devices. */
export class Person {
  private active = 0;
  private positionSeconds = 100;
  private plan: { readonly planId: string; readonly at: number } | undefined;
  private soldAt = 0;
  private isBuying = false;
  private sent = 0;

  constructor(
    readonly userId: string,
    readonly devices: readonly SimulatedDevice[],
    private readonly ledger: Ledger,
    private readonly backOffice: BackOffice,
  ) {}

  /** One of their devices got an event. */
  receive(device: SimulatedDevice, event: Envelope): void {
    if (event.type === 'simulation.event') this.ledger.record(device, event.data as SimulatedData);
    const { plan } = this;
    if (event.type !== 'membership.changed' || !plan || device.liveSince > plan.at) return;
    if ((event.data as { planId: unknown }).planId === plan.planId)
      this.ledger.measure('plan change', performance.now() - plan.at);
  }

  /** Does something. Resolves when it is done; false when the back office could not be reached for it. */
  async act(act: Act): Promise<boolean> {
    const device = this.devices[this.active] as SimulatedDevice;
    switch (act) {
      case 'event':
        return this.getEvent();
      case 'changePlan':
        return this.changePlan();
      case 'watch':
        this.beat(device, 'playing');
        return true;
      case 'pause':
        this.beat(device, 'paused');
        return true;
      case 'rollOver':
        this.beat(device, 'paused');
        this.active = (this.active + 1) % this.devices.length;
        this.beat(this.devices[this.active] as SimulatedDevice, 'playing');
        return true;
      case 'loseNetwork':
        loseNetwork(this.devices[Math.floor(Math.random() * this.devices.length)] as SimulatedDevice);
        return true;
    }
  }

  /** Devices that do not show the plan that the user has. */
  withoutPlan(): number {
    const { plan } = this;
    return plan ? this.devices.filter(({ state }) => state.membership?.planId !== plan.planId).length : 0;
  }

  private async getEvent(): Promise<boolean> {
    const tier = TIERS[Math.floor(Math.random() * TIERS.length)] as Measured;
    const data = { userId: this.userId, n: (this.sent += 1) };
    this.ledger.expect(this.devices, data.n, tier);
    const isPublished = await this.backOffice.publish(tier, data);
    if (!isPublished) this.ledger.withdraw(this.devices, data.n, tier);
    return isPublished;
  }

  /** One after the other, and never two in one second, in which Stripe counts. */
  private async changePlan(): Promise<boolean> {
    const created = Math.floor(Date.now() / 1_000);
    if (this.isBuying || created <= this.soldAt) return true;
    this.isBuying = true;
    this.soldAt = created;
    const before = this.plan;
    const planId = PLANS.find((one) => one !== before?.planId) ?? PLANS[0];
    this.plan = { planId, at: performance.now() };
    const isSold = await this.backOffice.sell(this.userId, planId, created);
    if (!isSold) this.plan = undefined; // whether the webhook arrived is not known
    this.isBuying = false;
    return isSold;
  }

  private beat(device: SimulatedDevice, state: 'playing' | 'paused'): void {
    this.positionSeconds = (this.positionSeconds + 10) % EPISODE_SECONDS;
    const { positionSeconds } = this;
    device.beat({ showId: 'simulated', positionSeconds, durationSeconds: EPISODE_SECONDS, state });
  }
}

/** Picks what a person does next. `sells`: whether plans can be changed. */
export function nextAct(sells: boolean, random = Math.random): Act {
  let at = random() * (sells ? WEIGHT : WEIGHT - ACTS.changePlan);
  for (const [act, weight] of Object.entries(ACTS)) {
    at -= weight;
    if (at < 0) return act as Act;
  }
  return 'event';
}

function loseNetwork(device: SimulatedDevice): void {
  const { least, most } = WITHOUT_NETWORK_MS;
  device.loseNetwork();
  setTimeout(() => device.findNetwork(), least + Math.random() * (most - least)).unref();
}
