import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { StandInProvider } from '../../push/providers/provider-registry.service.js';
import type { PushMessage } from '../../push/providers/push-message.js';
import { retry, type SendResult, unregistered } from '../../push/providers/send-result.js';
import type { FakeSendResult } from './lock-screen.schema.js';

/** One push that was received. */
export interface ReceivedPush {
  readonly at: string;
  readonly verdict: SendResult['is'];
  readonly message: Omit<PushMessage, 'to'>;
}

/** A phone's lock screen: its notifications and the pushes it received, newest first, and the badge of its app. */
export interface Screen {
  readonly notes: LockScreenNotification[];
  readonly arrived: ReceivedPush[];
  badge: number;
}

export interface LockScreenNotification {
  readonly id: string;
  readonly collapseId: string | undefined;
  readonly title: string;
  readonly body: string;
  readonly at: string;
}

const MAX_SCREENS = 1_000;
const MAX_KEPT = 50;

/** A fake push provider, which keeps the lock screen of each address in this process's memory. */
@Injectable()
export class LockScreenService implements StandInProvider {
  private readonly screens = new LRUCache<string, Screen>({ max: MAX_SCREENS });
  private readonly failures = new LRUCache<string, FakeSendResult>({ max: MAX_SCREENS });

  send({ to, ...message }: PushMessage): Promise<SendResult> {
    const result = this.failures.get(to.address) ?? { is: 'delivered' as const };
    const screen = this.of(to.address);
    const at = new Date().toISOString();
    screen.arrived.unshift({ at, verdict: result.is, message });
    screen.arrived.splice(MAX_KEPT);
    if (result.is === 'delivered') show(screen, message, at);
    return Promise.resolve(toSendResult(result));
  }

  /** The lock screen of this address, empty at first. */
  of(address: string): Screen {
    const known = this.screens.get(address);
    if (known) return known;
    const screen: Screen = { notes: [], arrived: [], badge: 0 };
    this.screens.set(address, screen);
    return screen;
  }

  /** Sets the result of all pushes to this address from now on; null delivers them again. */
  setFailure(address: string, always: FakeSendResult | null): void {
    if (always) this.failures.set(address, always);
    else this.failures.delete(address);
  }
}

function show(
  screen: Screen,
  { show: text, data, collapseId, badge }: Omit<PushMessage, 'to'>,
  at: string,
): void {
  if (badge !== undefined) screen.badge = badge;
  const replaced = (note: LockScreenNotification): boolean =>
    note.id === data['clear'] || (collapseId !== undefined && note.collapseId === collapseId);
  screen.notes.splice(0, Infinity, ...screen.notes.filter((note) => !replaced(note)));
  if (text === 'background') return;
  screen.notes.unshift({ id: data['id'] ?? '', collapseId, ...text, at });
  screen.notes.splice(MAX_KEPT);
}

function toSendResult(result: FakeSendResult): SendResult {
  if (result.is === 'unregistered')
    return unregistered(result.reason, result.since === undefined ? undefined : new Date(result.since));
  return result.is === 'retry' ? retry(result.reason, result.afterMs) : result;
}
