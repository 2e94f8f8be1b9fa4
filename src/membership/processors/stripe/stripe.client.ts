import Stripe from 'stripe';
import { type Budget, budgetOf } from '../../../platform/budgets/budget.js';
import { withTimeout } from '../../../platform/scheduling/timeout.js';
import {
  type ChangeOrder,
  ChangeRefused,
  type ProcessorClient,
  ProcessorUnavailable,
  type SubscriptionPage,
  type SubscriptionUpdate,
} from '../processor.js';
import { toStripeChange } from './stripe-change.js';
import { mapStripeSubscription } from './stripe.mapper.js';

/** Stripe usually responds within two seconds. Nobody waits longer than this in front of a screen; the call is retried later. */
const FETCH_TIMEOUT_MS = 5_000;
const CHANGE_TIMEOUT_MS = 5_000;
/** Stripe's maximum. */
const PAGE_SIZE = 100;
/** Prices of the new plan that are fetched at most to find the one with the same billing interval. */
const MAX_PRICES = 10;

type ListParams = Stripe.SubscriptionListParams;
type Interval = { readonly interval: string; readonly interval_count: number };

/** Calls Stripe's API with Stripe's own library. The library's retries are off: the callers retry, with their own schedule. */
export class StripeClient implements ProcessorClient {
  readonly budget: Budget;
  readonly listPageSize = PAGE_SIZE;
  private readonly stripe: Stripe;

  constructor(key: string, base: string | undefined, perSecond: number) {
    this.budget = budgetOf(perSecond * 60);
    this.stripe = new Stripe(key, { ...toAddress(base), maxNetworkRetries: 0, telemetry: false });
  }

  async fetch(subscriptionId: string): Promise<SubscriptionUpdate | undefined> {
    const subscription = await callStripe(FETCH_TIMEOUT_MS, (timeout) =>
      this.stripe.subscriptions.retrieve(subscriptionId, {}, { timeout }),
    ).catch(undefinedIfMissing);
    return subscription && mapStripeSubscription(subscription, responseDate(subscription));
  }

  async list(cursor: string | undefined): Promise<SubscriptionPage | undefined> {
    const after: ListParams = cursor === undefined ? {} : { starting_after: cursor };
    const page = await callStripe(FETCH_TIMEOUT_MS, (timeout) =>
      this.stripe.subscriptions.list({ status: 'all', limit: PAGE_SIZE, ...after }, { timeout }),
    ).catch(undefinedIfMissing);
    if (!page) return undefined;
    const asOf = responseDate(page);
    return {
      updates: page.data.map((subscription) => mapStripeSubscription(subscription, asOf)),
      next: page.has_more ? page.data.at(-1)?.id : undefined,
    };
  }

  async change(order: ChangeOrder): Promise<void> {
    const object = order.object as unknown as Stripe.Subscription;
    const price = order.action === 'change_plan' ? await this.findPrice(object, order) : undefined;
    const change = toStripeChange(order, object, price);
    const options = { idempotencyKey: order.idempotencyKey };
    const { subscriptions } = this.stripe;
    await callStripe(CHANGE_TIMEOUT_MS, (timeout) =>
      change.call === 'resume'
        ? subscriptions.resume(order.subscriptionId, change.params, { ...options, timeout })
        : subscriptions.update(order.subscriptionId, change.params, { ...options, timeout }),
    ).catch(throwRefusal);
  }

  /** The new plan's price with the present billing interval, so that nobody who pays yearly is moved to monthly; else its first. */
  private async findPrice(
    object: Stripe.Subscription,
    { fromPrices, toPrices }: ChangeOrder,
  ): Promise<string> {
    const stripePrices = toPrices.filter((price) => /^(price|plan)_/.test(price));
    const candidates = (stripePrices.length > 0 ? stripePrices : toPrices).slice(0, MAX_PRICES);
    const [first] = candidates;
    if (first === undefined) throw new ChangeRefused('This plan has no price at Stripe.');
    if (candidates.length === 1) return first;
    const item = object.items.data.find(({ price }) => fromPrices.includes(price.id)) ?? object.items.data[0];
    const interval = item?.price.recurring;
    for (const candidate of candidates)
      if (isSameInterval(await this.fetchInterval(candidate), interval)) return candidate;
    return first;
  }

  private async fetchInterval(price: string): Promise<Interval | null | undefined> {
    const found = await callStripe(FETCH_TIMEOUT_MS, (timeout) =>
      this.stripe.prices.retrieve(price, {}, { timeout }),
    ).catch(undefinedIfMissing);
    return found?.active === true ? found.recurring : undefined;
  }
}

const isSameInterval = (a: Interval | null | undefined, b: Interval | null | undefined): boolean =>
  a?.interval === b?.interval && a?.interval_count === b?.interval_count;

/**
 * Throws Stripe's own error when Stripe refused the request, and ProcessorUnavailable when a retry may succeed. The deadline covers the
 * whole call: the library's own timeout is restarted by each byte.
 */
async function callStripe<T>(ms: number, call: (timeout: number) => Promise<T>): Promise<T> {
  try {
    return await withTimeout(ms, call(ms));
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError && isRefusal(error)) throw error;
    throw new ProcessorUnavailable(nameOf(error));
  }
}

/** Whether the request or the card is wrong. What concerns our key (401, 403), concurrency (409) or rate (429) may succeed later. */
const isRefusal = ({ statusCode }: InstanceType<typeof Stripe.errors.StripeError>): boolean =>
  statusCode !== undefined &&
  statusCode >= 400 &&
  statusCode < 500 &&
  ![401, 403, 409, 429].includes(statusCode);

/** Maps Stripe's 404 to undefined; any other failure is ProcessorUnavailable. */
function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof Stripe.errors.StripeError && error.statusCode === 404) return undefined;
  throw error instanceof ProcessorUnavailable ? error : new ProcessorUnavailable(nameOf(error));
}

/** Shows Stripe's `code` (such as `card_declined`), not its message, which may contain the customer's data. */
function throwRefusal(error: unknown): never {
  if (error instanceof Stripe.errors.StripeError)
    throw new ChangeRefused(`Stripe refused it: ${error.code ?? error.type}.`);
  throw error;
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.constructor.name : 'unknown');

/** The time by Stripe's clock, which also dates its webhooks. */
function responseDate({ lastResponse }: { lastResponse: { headers: Record<string, string> } }): Date {
  const date = Date.parse(lastResponse.headers.date ?? '');
  return new Date(Number.isNaN(date) ? Date.now() : date);
}

function toAddress(base: string | undefined): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  if (base === undefined) return {};
  const { hostname, port, protocol } = new URL(base);
  const secure = protocol === 'https:';
  return { host: hostname, port: port || (secure ? 443 : 80), protocol: secure ? 'https' : 'http' };
}
