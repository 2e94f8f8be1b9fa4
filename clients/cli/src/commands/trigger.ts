import { randomBytes } from 'node:crypto';
import { Argument, type Command } from 'commander';
import { Refusal } from '../api/problem.js';
import { path } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { Failure, UsageFailure } from '../failures.js';
import { plainText } from '../output/plain-text.js';
import { readPlans } from '../plans/plans-api.js';
import {
  sendStripeEvent,
  type Trigger,
  triggeredEvent,
  TRIGGERS,
  type TriggeredSubscription,
} from '../stripe/stripe-trigger.js';

interface TriggerOptions {
  readonly user: string;
  readonly price?: string;
  readonly subscription?: string;
}

/** A subscription of GET /v1/users/{userId}. */
interface KnownSubscription {
  readonly processor: string;
  readonly subscriptionId: string;
  readonly customerId: string | null;
  readonly status: string;
  readonly planId: string | null;
  readonly asOf: string;
}

/** `usher trigger stripe <what>` */
export function addTrigger(program: Command, open: () => Cli): void {
  program
    .command('trigger')
    .description('send a webhook as a payment processor would, signed with its secret')
    .command('stripe')
    .description(
      "send one of Stripe's webhooks about a subscription of the user: a new one, or the newest that goes on",
    )
    .addArgument(new Argument('<what>', 'what happened').choices(Object.keys(TRIGGERS)))
    .requiredOption('--user <user>', 'whose subscription it is')
    .option('--price <price>', 'its price; by default that of its plan, or the first of all plans')
    .option('--subscription <id>', 'its id')
    .action(async (what: Trigger, options: TriggerOptions) => {
      const cli = open();
      const secret = cli.settings.need('STRIPE_WEBHOOK_SECRET', "the secret of Stripe's webhooks");
      const event = triggeredEvent(what, await subscriptionFor(cli, what, options));
      const answer = (await sendStripeEvent(cli.openApi, event, secret)) as Record<string, unknown>;
      const outcome = await outcomeOf(cli, event.id);
      const { id, type } = event;
      cli.output.result({ id, type, ...answer, ...outcome }, () => [
        `${type} ${id} was received${describe(outcome)}`,
      ]);
    });
}

async function subscriptionFor(
  cli: Cli,
  what: Trigger,
  options: TriggerOptions,
): Promise<TriggeredSubscription> {
  const { user: userId, price, subscription } = options;
  const { subscriptions } = (await cli.api.call('GET', path`/v1/users/${userId}`)) as {
    subscriptions: KnownSubscription[];
  };
  const ofStripe = subscriptions.filter(({ processor }) => processor === 'stripe');
  if (what === 'subscription.created') {
    const subscriptionId = subscription ?? `sub_cli_${randomBytes(9).toString('hex')}`;
    return { userId, subscriptionId, customer: `cus_cli_${userId}`, price: price ?? (await firstPrice(cli)) };
  }
  const known = ofStripe.find(({ subscriptionId, status }) =>
    subscription === undefined ? status !== 'canceled' : subscriptionId === subscription,
  );
  if (!known)
    throw new Failure(
      `${plainText(userId)} has no such subscription: \`usher trigger stripe subscription.created --user ${plainText(userId)}\`.`,
    );
  return {
    userId,
    subscriptionId: known.subscriptionId,
    customer: known.customerId ?? `cus_cli_${userId}`,
    price: price ?? (await firstPrice(cli, known.planId ?? undefined)),
    // Stripe counts in seconds: of two events of one second the order would be unknown.
    created: Math.max(Math.floor(Date.now() / 1_000), Math.floor(Date.parse(known.asOf) / 1_000) + 1),
  };
}

/** Returns a price of the plan, or of any. */
async function firstPrice({ api }: Cli, planId?: string): Promise<string> {
  for (const [id, { prices }] of await readPlans(api))
    if (prices[0] !== undefined && (planId === undefined || planId === id)) return prices[0];
  throw new UsageFailure('No plan has a price: create one with `usher plans apply`, or say --price.');
}

/** Returns what became of the webhook; nothing where the key may not ask. */
async function outcomeOf({ api }: Cli, eventId: string): Promise<Record<string, unknown>> {
  try {
    const { status, reason, waitingFor } = (await api.call(
      'GET',
      path`/v1/webhooks/stripe/${eventId}`,
    )) as Record<string, unknown>;
    return { status, reason, waitingFor };
  } catch (error) {
    if (error instanceof Refusal) return {};
    throw error;
  }
}

function describe({ status, reason, waitingFor }: Record<string, unknown>): string {
  if (status === undefined) return '';
  const missing =
    Array.isArray(waitingFor) && waitingFor.length > 0
      ? `: it waits for ${waitingFor.map(plainText).join(' or ')}`
      : '';
  return ` and is ${plainText(status)}${missing || (reason ? ` (${plainText(reason)})` : '')}`;
}
