import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { PrimaryLinkService } from '../../platform/processes/primary-link.service.js';
import type { StandInProvider } from '../../push/providers/push-providers.service.js';
import type { PushMessage } from '../../push/providers/push-message.js';
import { retry, type SendResult, unregistered } from '../../platform/sending/send-result.js';
import type { FakeSendResult } from './lock-screen.schema.js';

/** A push that was sent to this address, with its result. */
export interface ReceivedPush {
  readonly at: string;
  readonly result: SendResult['is'];
  readonly message: Omit<PushMessage, 'to'>;
}

/** A phone's lock screen, as the page reads it. */
export interface Screen {
  /** What it shows, the newest first. */
  readonly notes: LockScreenNotification[];
  /** The pushes that were sent, the newest first. */
  readonly arrived: ReceivedPush[];
  badge: number;
}

/** A notification on the screen. */
export interface LockScreenNotification {
  readonly id: string;
  readonly collapseId: string | undefined;
  readonly title: string;
  readonly body: string;
  readonly at: string;
}

const MAX_SCREENS = 1_000;
/** Notifications, and pushes, that a screen keeps. */
const MAX_KEPT = 50;

/** What one process tells the others of the same machine, so that each can show every lock screen. */
type LockScreenChange =
  | { readonly address: string; readonly arrived: ReceivedPush }
  | { readonly address: string; readonly failure: FakeSendResult | null };

const TOPIC = 'lock-screen';

/** Stands in for the push providers: keeps in memory what a phone's lock screen would show. */
@Injectable()
export class LockScreenService implements StandInProvider {
  private readonly screens = new LRUCache<string, Screen>({ max: MAX_SCREENS });
  private readonly failures = new LRUCache<string, FakeSendResult>({ max: MAX_SCREENS });

  constructor(private readonly primary: PrimaryLinkService) {
    primary.onBroadcast(TOPIC, (change) => this.apply(change as LockScreenChange));
  }

  /** Returns the failure that was set for the address, or that it was delivered. */
  send({ to, ...message }: PushMessage): Promise<SendResult> {
    const result = this.failures.get(to.address) ?? { is: 'delivered' as const };
    const at = new Date().toISOString();
    this.change({ address: to.address, arrived: { at, result: result.is, message } });
    return Promise.resolve(toSendResult(result));
  }

  /** The screen of a push address; empty at first. */
  get(address: string): Screen {
    const existing = this.screens.get(address);
    if (existing) return existing;
    const screen: Screen = { notes: [], arrived: [], badge: 0 };
    this.screens.set(address, screen);
    return screen;
  }

  /** Sets the result of every push to this address from now on; null: delivered again. */
  setFailure(address: string, result: FakeSendResult | null): void {
    this.change({ address, failure: result });
  }

  private change(change: LockScreenChange): void {
    this.apply(change);
    this.primary.broadcast(TOPIC, change);
  }

  private apply(change: LockScreenChange): void {
    const { address } = change;
    if ('arrived' in change) arrive(this.get(address), change.arrived);
    else if (change.failure) this.failures.set(address, change.failure);
    else this.failures.delete(address);
  }
}

function arrive(screen: Screen, push: ReceivedPush): void {
  screen.arrived.unshift(push);
  screen.arrived.splice(MAX_KEPT);
  if (push.result === 'delivered') show(screen, push.message, push.at);
}

function show(
  screen: Screen,
  { show: content, data, collapseId, badge }: Omit<PushMessage, 'to'>,
  at: string,
): void {
  if (badge !== undefined) screen.badge = badge;
  const isReplaced = (note: LockScreenNotification): boolean =>
    note.id === data['clear'] || (collapseId !== undefined && note.collapseId === collapseId);
  screen.notes.splice(0, Infinity, ...screen.notes.filter((note) => !isReplaced(note)));
  if (content === 'background') return;
  screen.notes.unshift({ id: data['id'] ?? '', collapseId, ...content, at });
  screen.notes.splice(MAX_KEPT);
}

function toSendResult(result: FakeSendResult): SendResult {
  if (result.is === 'unregistered')
    return unregistered(result.reason, result.since === undefined ? undefined : new Date(result.since));
  return result.is === 'retry' ? retry(result.reason, result.afterMs) : result;
}
