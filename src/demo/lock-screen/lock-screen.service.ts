import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { PushMessage, SendResult } from '../../push/providers/push-provider.js';
import type { StandInProvider } from '../../push/providers/provider-registry.service.js';
import type { FakeSendResult } from './lock-screen.schema.js';

/** One push that came. */
export interface ReceivedPush {
  readonly at: string;
  readonly verdict: SendResult['is'];
  readonly message: Omit<PushMessage, 'to'>;
}

/** A phone's screen: what it shows, newest first, what came, and its badge. */
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

/** Stands in for the vendors: what a phone's lock screen would show, in the memory of this process. */
@Injectable()
export class LockScreenService implements StandInProvider {
  private readonly screens = new LRUCache<string, Screen>({ max: MAX_SCREENS });
  private readonly troubles = new LRUCache<string, FakeSendResult>({ max: MAX_SCREENS });

  send({ to, ...message }: PushMessage): Promise<SendResult> {
    const said = this.troubles.get(to.address) ?? { is: 'delivered' };
    const screen = this.of(to.address);
    const at = new Date().toISOString();
    screen.arrived.unshift({ at, verdict: said.is, message });
    screen.arrived.splice(MAX_KEPT);
    if (said.is === 'delivered') show(screen, message, at);
    return Promise.resolve(verdictOf(said));
  }

  of(address: string): Screen {
    const known = this.screens.get(address);
    if (known) return known;
    const screen: Screen = { notes: [], arrived: [], badge: 0 };
    this.screens.set(address, screen);
    return screen;
  }

  /** What is to be said of pushes to this address from now on; null: that they were delivered. */
  setFailure(address: string, always: FakeSendResult | null): void {
    if (always) this.troubles.set(address, always);
    else this.troubles.delete(address);
  }
}

function show(
  screen: Screen,
  { show: words, data, collapseId, badge }: Omit<PushMessage, 'to'>,
  at: string,
): void {
  if (badge !== undefined) screen.badge = badge;
  const replaced = (note: LockScreenNotification): boolean =>
    note.id === data['clear'] || (collapseId !== undefined && note.collapseId === collapseId);
  screen.notes.splice(0, Infinity, ...screen.notes.filter((note) => !replaced(note)));
  if (words === 'background') return;
  screen.notes.unshift({ id: data['id'] ?? '', collapseId, ...words, at });
  screen.notes.splice(MAX_KEPT);
}

function verdictOf(said: FakeSendResult): SendResult {
  if (said.is === 'gone')
    return { ...said, since: said.since === undefined ? undefined : new Date(said.since) };
  if (said.is === 'again') return { ...said, afterMs: said.afterMs };
  return said;
}
