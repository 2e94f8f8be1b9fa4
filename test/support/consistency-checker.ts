import { createHmac } from 'node:crypto';
import { expect } from '@jest/globals';
import type { BackOffice, HttpReply } from './drivers/back-office.js';
import type { EventLog } from './event-log.js';
import { eventually } from './eventually.js';

/** The data of a test event: its user, its number, and a checksum of both, by which an event of another user is recognized. */
export interface TrackedEvent {
  readonly userId: string;
  readonly sequence: number;
  readonly checksum: string;
}

/** A device whose event log is checked. */
export interface CheckedDevice {
  readonly userId: string;
  readonly deviceId: string;
  readonly eventLog: EventLog;
}

const checksumOf = (userId: string, mark: number): string =>
  createHmac('sha256', 'the ledger').update(`${userId} ${mark}`).digest('base64url').slice(0, 16);

/** Expects that no event was lost, applied twice, out of order, or another user's. */
export function expectNoViolations(verdict: ReturnType<ConsistencyChecker['violations']>): void {
  expect(verdict).toEqual({ lost: [], dupEffect: [], wrongUser: [], order: [] });
}

/** Remembers the accepted events, and checks that every device applied them once and in order. Publishes of one user must not overlap. */
export class ConsistencyChecker {
  private readonly expected = new Map<string, number[]>();
  private last = 0;

  /** Returns the data of the next event for this user. */
  nextEvent(userId: string): TrackedEvent {
    this.last += 1;
    return { userId, sequence: this.last, checksum: checksumOf(userId, this.last) };
  }

  expectDelivery({ userId, sequence: mark }: TrackedEvent): void {
    const marks = this.expected.get(userId);
    if (marks) marks.push(mark);
    else this.expected.set(userId, [mark]);
  }

  /** How many events were accepted in all. */
  get expectedCount(): number {
    return [...this.expected.values()].reduce((sum, marks) => sum + marks.length, 0);
  }

  /** Publishes one event and expects its delivery if the reply is 202. Returns undefined when there was no reply. */
  async publish(
    office: BackOffice,
    userId: string,
    tier: 'critical' | 'important',
    headers?: Record<string, string>,
    note: TrackedEvent = this.nextEvent(userId),
  ): Promise<HttpReply | undefined> {
    const event = { userId, type: 'note.owed', tier, data: note };
    const reply = await office.publish([event], headers).catch(() => undefined);
    if (reply?.status === 202) this.expectDelivery(note);
    return reply;
  }

  /** Waits until every device applied all events of its user, then expects that there are no violations. */
  async expectConsistent(followers: readonly CheckedDevice[], withinMs: number): Promise<void> {
    const behind = () => followers.filter((follower) => this.lost(follower).length > 0);
    await eventually('every event is applied on every device', () => behind().length === 0, withinMs).catch(
      () => undefined,
    );
    expectNoViolations(this.violations(followers));
  }

  /** Returns what went wrong on the devices, in words, at most 20 entries of each kind. */
  violations(followers: readonly CheckedDevice[]) {
    const found = (of: (follower: CheckedDevice) => readonly string[]) =>
      followers
        .flatMap((follower) => of(follower).map((what) => `${follower.deviceId}: ${what}`))
        .slice(0, 20);
    return {
      lost: found((follower) => this.lost(follower).map((mark) => `lacks ${mark}`)),
      duplicated: found((follower) => repeated(sequencesOf(follower)).map((mark) => `${mark} twice`)),
      wrongUser: found(eventsOfOtherUsers),
      outOfOrder: found((follower) => [...follower.eventLog.violations, ...stepsBack(sequencesOf(follower))]),
    };
  }

  private lost(follower: CheckedDevice): number[] {
    const has = new Set(sequencesOf(follower));
    return (this.expected.get(follower.userId) ?? []).filter((mark) => !has.has(mark));
  }
}

const trackedEventsOf = ({ eventLog }: CheckedDevice): TrackedEvent[] =>
  eventLog.applied.flatMap(({ data }) => ('mark' in data ? [data as unknown as TrackedEvent] : []));

const sequencesOf = (follower: CheckedDevice): number[] =>
  trackedEventsOf(follower).map(({ sequence: mark }) => mark);

const eventsOfOtherUsers = (follower: CheckedDevice): string[] =>
  trackedEventsOf(follower)
    .filter(({ sequence: mark, checksum: sum }) => sum !== checksumOf(follower.userId, mark))
    .map(({ userId, sequence: mark }) => `got ${mark} of ${userId}`);

const repeated = (marks: readonly number[]): number[] =>
  marks.filter((mark, index) => marks.indexOf(mark) !== index);

const stepsBack = (marks: readonly number[]): string[] =>
  marks.flatMap((mark, index) =>
    index > 0 && mark < (marks[index - 1] as number) ? [`${mark} after ${marks[index - 1]}`] : [],
  );
