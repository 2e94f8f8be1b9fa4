import Stripe from 'stripe';
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

/** Stripe answers within a second or two. Longer than this nobody waits before a screen: it is tried again. */
const FETCH_MS = 5_000;
const CHANGE_MS = 5_000;
const PAGE = 100;
/** Prices of the new plan that are looked at to find the one with the same rhythm. */
const MAX_PRICES = 10;

type ListParams = Stripe.SubscriptionListParams;
type Interval = { readonly interval: string; readonly interval_count: number };

/** Asks Stripe, with its own library. It tries nothing again by itself: whoever asks knows when. */
export class StripeClient implements ProcessorClient {
  private readonly stripe: Stripe;

  constructor(key: string, base: string | undefined) {
    this.stripe = new Stripe(key, { ...addressOf(base), maxNetworkRetries: 0, telemetry: false });
  }

  async fetch(subscriptionId: string): Promise<SubscriptionUpdate | undefined> {
    const answer = await asked(FETCH_MS, (timeout) =>
      this.stripe.subscriptions.retrieve(subscriptionId, {}, { timeout }),
    ).catch(ifMissing);
    return answer && mapStripeSubscription(answer, clockOf(answer));
  }

  async list(cursor: string | undefined): Promise<SubscriptionPage | undefined> {
    const after: ListParams = cursor === undefined ? {} : { starting_after: cursor };
    const page = await asked(FETCH_MS, (timeout) =>
      this.stripe.subscriptions.list({ status: 'all', limit: PAGE, ...after }, { timeout }),
    ).catch(ifMissing);
    if (!page) return undefined;
    const asOf = clockOf(page);
    return {
      updates: page.data.map((one) => mapStripeSubscription(one, asOf)),
      next: page.has_more ? page.data.at(-1)?.id : undefined,
    };
  }

  async change(order: ChangeOrder): Promise<void> {
    const object = order.object as unknown as Stripe.Subscription;
    const price = order.action === 'change_plan' ? await this.priceLike(object, order) : undefined;
    const change = toStripeChange(order, object, price);
    const options = { idempotencyKey: order.idempotencyKey };
    const { subscriptions } = this.stripe;
    await asked(CHANGE_MS, (timeout) =>
      change.call === 'resume'
        ? subscriptions.resume(order.subscriptionId, change.params, { ...options, timeout })
        : subscriptions.update(order.subscriptionId, change.params, { ...options, timeout }),
    ).catch(refused);
  }

  /** Of the plan's prices the one that is paid as often, so that nobody who pays by the year is moved to the month. */
  private async priceLike(
    object: Stripe.Subscription,
    { fromPrices, toPrices }: ChangeOrder,
  ): Promise<string> {
    const ours = toPrices.filter((price) => /^(price|plan)_/.test(price));
    const candidates = (ours.length > 0 ? ours : toPrices).slice(0, MAX_PRICES);
    const [first] = candidates;
    if (first === undefined) throw new ChangeRefused('This plan has no price at Stripe.');
    if (candidates.length === 1) return first;
    const item = object.items.data.find(({ price }) => fromPrices.includes(price.id)) ?? object.items.data[0];
    const rhythm = item?.price.recurring;
    for (const candidate of candidates) if (isSame(await this.rhythmOf(candidate), rhythm)) return candidate;
    return first;
  }

  private async rhythmOf(price: string): Promise<Interval | null | undefined> {
    const found = await asked(FETCH_MS, (timeout) =>
      this.stripe.prices.retrieve(price, {}, { timeout }),
    ).catch(ifMissing);
    return found?.active === true ? found.recurring : undefined;
  }
}

const isSame = (a: Interval | null | undefined, b: Interval | null | undefined): boolean =>
  a?.interval === b?.interval && a?.interval_count === b?.interval_count;

/** An answer, or an error that says whether asking again makes sense. The library's own timeout only counts silence. */
async function asked<T>(ms: number, call: (timeout: number) => Promise<T>): Promise<T> {
  try {
    return await withTimeout(ms, call(ms));
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError && isAnswer(error)) throw error;
    throw new ProcessorUnavailable(nameOf(error));
  }
}

/** Stripe refused: the request is wrong, or the card. What is about us (key, rate) or about Stripe may be over later. */
const isAnswer = ({ statusCode }: InstanceType<typeof Stripe.errors.StripeError>): boolean =>
  statusCode !== undefined &&
  statusCode >= 400 &&
  statusCode < 500 &&
  ![401, 403, 409, 429].includes(statusCode);

function ifMissing(error: unknown): undefined {
  if (error instanceof Stripe.errors.StripeError && error.statusCode === 404) return undefined;
  throw error instanceof ProcessorUnavailable ? error : new ProcessorUnavailable(nameOf(error));
}

/** Stripe's `code` is for programs (`card_declined`); its text may repeat what is the customer's. */
function refused(error: unknown): never {
  if (error instanceof Stripe.errors.StripeError)
    throw new ChangeRefused(`Stripe refused it: ${error.code ?? error.type}.`);
  throw error;
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.constructor.name : 'unknown');

/** Stripe's own clock, which its webhooks use too. */
function clockOf({ lastResponse }: { lastResponse: { headers: Record<string, string> } }): Date {
  const said = Date.parse(lastResponse.headers.date ?? '');
  return new Date(Number.isNaN(said) ? Date.now() : said);
}

function addressOf(base: string | undefined): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  if (base === undefined) return {};
  const { hostname, port, protocol } = new URL(base);
  const secure = protocol === 'https:';
  return { host: hostname, port: port || (secure ? 443 : 80), protocol: secure ? 'https' : 'http' };
}
