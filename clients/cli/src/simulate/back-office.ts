import { randomUUID } from 'node:crypto';
import type { UsherApi } from '../api/usher-api.js';
import { inSeconds } from '../durations.js';
import { Failure } from '../failures.js';
import { putPlan } from '../plans/plans-api.js';
import { sendStripeEvent, triggeredEvent } from '../stripe/stripe-trigger.js';
import type { SimulatedData } from './ledger.js';

/** What nobody needs tomorrow. */
const EXPIRES_SECONDS = 3_600;
const ATTEMPTS = 3;
const CAPABILITIES = { streaming: true, maxQuality: '4k', downloads: true, ads: false };
/** The plans between which people change. */
export const PLANS = ['simulated-basic', 'simulated-premium'] as const;

/** The streaming service's side: it publishes events, and its payment processor sends webhooks. */
export class BackOffice {
  constructor(
    private readonly api: UsherApi,
    private readonly openApi: UsherApi,
    private readonly stripeSecret: string | undefined,
  ) {}

  /** Whether people can change their plans: the webhooks can be signed. */
  get sellsPlans(): boolean {
    return this.stripeSecret !== undefined;
  }

  /** Throws as the API's calls do. */
  async createPlans(): Promise<void> {
    for (const [n, planId] of PLANS.entries())
      await putPlan(this.api, planId, {
        name: planId,
        prices: [`price_${planId}`],
        capabilities: { ...CAPABILITIES, maxStreams: n + 1 },
      });
  }

  /** Publishes an event, and tries again with the same idempotency key. Resolves to whether it is known to be published. */
  publish(tier: string, data: SimulatedData): Promise<boolean> {
    const event = {
      userId: data.userId,
      type: 'simulation.event',
      tier,
      data,
      expiresAt: inSeconds(EXPIRES_SECONDS),
    };
    const headers = { 'idempotency-key': randomUUID() };
    return attempt(() => this.api.call('POST', '/v1/events', { body: { events: [event] }, headers }));
  }

  /** The processor says that the user has this plan from `created` on, in seconds since 1970. Resolves to whether it was received. */
  sell(userId: string, planId: string, created: number): Promise<boolean> {
    const event = triggeredEvent('subscription.updated', {
      userId,
      subscriptionId: `sub_${userId}`,
      customer: `cus_${userId}`,
      price: `price_${planId}`,
      created,
    });
    return attempt(() => sendStripeEvent(this.openApi, event, this.stripeSecret ?? ''));
  }
}

async function attempt(call: () => Promise<unknown>): Promise<boolean> {
  for (let tried = 0; tried < ATTEMPTS; tried += 1) {
    try {
      await call();
      return true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  }
  return false;
}
