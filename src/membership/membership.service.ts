import { Injectable } from '@nestjs/common';
import { builtInEvent } from '../mailbox/events/event.js';
import { MailboxService } from '../mailbox/mailbox.service.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import type { Transaction } from '../platform/postgres/database.js';
import { capabilitiesOf, deriveMembership, hasChanged, STATUS_RULES, type Status } from './membership.js';
import { membershipChanged, type MembershipVersion } from './membership-version.js';
import {
  type ChangeSource,
  MembershipStore,
  type StoredMembership,
  type StoredPlan,
} from './membership.store.js';
import { SubscriptionStore } from './subscriptions/subscription.store.js';
import type { StoredSubscription } from './subscriptions/update-rules.js';

/** A membership whose next version has to be saved. */
interface ChangedMembership {
  readonly userId: string;
  readonly next: StoredMembership;
  readonly plan: StoredPlan | undefined;
  /** Undefined for the user's first membership. */
  readonly before: { readonly status: Status } | undefined;
}

/** Derives users' memberships from their subscriptions. The one place where a version of a membership is made. */
@Injectable()
export class MembershipService {
  constructor(
    private readonly store: MembershipStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly mailbox: MailboxService,
    private readonly bus: EventBusService,
  ) {}

  /**
   * Locks the user's membership, and what follows from it (streams), until the transaction ends. Taken before anything else of the
   * user is locked: two transactions that lock in different orders would wait for each other.
   */
  lock(tx: Transaction, userId: string): Promise<void> {
    return this.store.lockUsers(tx, [userId]);
  }

  /**
   * Derives the memberships from all of the users' subscriptions as of now, and saves a version and appends an event for each that
   * changed. The caller holds the users' locks, and calls it once in a transaction: all mailboxes are locked by one append, in the
   * order of their users. Returns the ids of the users whose membership changed.
   */
  async updateFromSubscriptions(
    tx: Transaction,
    userIds: readonly string[],
    source: ChangeSource,
  ): Promise<string[]> {
    const changed = await this.findChanged(tx, userIds);
    if (changed.length === 0) return [];
    const versions = await this.store.save(
      tx,
      changed.map(({ userId, next }) => ({ userId, reason: reasonFor(userId, source), ...next })),
      source,
    );
    const versionOf = (userId: string): number => versions.get(userId) ?? 0;
    await this.mailbox.append(
      tx,
      changed.map((membership) => {
        const { userId } = membership;
        const data = toEventData(membership, versionOf(userId), reasonFor(userId, source));
        return builtInEvent('membership.changed', { userId, data });
      }),
    );
    for (const membership of changed) {
      const version = toVersion(membership, versionOf(membership.userId));
      await this.bus.publishAndWait(membershipChanged, { tx, version });
    }
    return changed.map(({ userId }) => userId);
  }

  private async findChanged(tx: Transaction, userIds: readonly string[]): Promise<ChangedMembership[]> {
    const current = await this.store.listCurrent(tx, userIds);
    const subscriptions = groupByUser(await this.subscriptions.listOfUsersIn(tx, userIds));
    const derived = current.flatMap(({ userId, now, stored }) => {
      const membership = deriveMembership(subscriptions.get(userId) ?? [], now);
      return membership ? [{ userId, stored, membership }] : [];
    });
    const planIds = new Set(derived.flatMap(({ membership }) => membership.planId ?? []));
    const plans = await this.store.listPlans(tx, [...planIds]);
    return derived.flatMap(({ userId, stored, membership }) => {
      const plan = membership.planId === null ? undefined : plans.get(membership.planId);
      const isGranted = STATUS_RULES[membership.status].grants;
      const next = { ...membership, planRevision: isGranted ? (plan?.revision ?? null) : null };
      const isNew = hasChanged(stored, membership) || stored?.planRevision !== next.planRevision;
      return isNew ? [{ userId, next, plan, before: stored }] : [];
    });
  }
}

function groupByUser(
  subscriptions: readonly StoredSubscription[],
): ReadonlyMap<string, StoredSubscription[]> {
  const groups = new Map<string, StoredSubscription[]>();
  for (const subscription of subscriptions) {
    const group = groups.get(subscription.userId);
    if (group) group.push(subscription);
    else groups.set(subscription.userId, [subscription]);
  }
  return groups;
}

const reasonFor = (userId: string, { reason }: ChangeSource): string =>
  typeof reason === 'string' ? reason : reason(userId);

const toVersion = (
  { userId, next, plan, before }: ChangedMembership,
  version: number,
): MembershipVersion => ({
  userId,
  version,
  status: next.status,
  capabilities: capabilitiesOf(next.status, plan?.capabilities),
  before,
});

function toEventData({ next, plan }: ChangedMembership, version: number, reason: string) {
  const { status, planId, effectiveAt, cancelAt } = next;
  return {
    version,
    status,
    planId,
    capabilities: capabilitiesOf(status, plan?.capabilities),
    effectiveAt: effectiveAt.toISOString(),
    ...(cancelAt && { cancelAt: cancelAt.toISOString() }),
    reason,
  };
}
