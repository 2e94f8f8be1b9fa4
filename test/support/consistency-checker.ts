import { expect } from '@jest/globals';
import { createHmac } from 'node:crypto';
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

const checksumOf = (userId: string, sequence: number): string =>
  createHmac('sha256', 'the consistency checker')
    .update(`${userId} ${sequence}`)
    .digest('base64url')
    .slice(0, 16);

/** Expects that no event was lost, applied twice, out of order, or another user's. */
export function expectNoViolations(found: ReturnType<ConsistencyChecker['violations']>): void {
  expect(found).toEqual({ lost: [], duplicated: [], wrongUser: [], outOfOrder: [] });
}

/**
 * Remembers the accepted events, and checks that every device applied them once and in order. Publishes of one user must not
 * overlap, so that sequence numbers grow in the order of offsets.
 */
export class ConsistencyChecker {
  private readonly expected = new Map<string, number[]>();
  private last = 0;

  /** Returns the data of the next event for this user. */
  nextEvent(userId: string): TrackedEvent {
    this.last += 1;
    return { userId, sequence: this.last, checksum: checksumOf(userId, this.last) };
  }

  /** Expects that every device of the user receives the event, since the server accepted it. */
  expectDelivery({ userId, sequence }: TrackedEvent): void {
    const sequences = this.expected.get(userId);
    if (sequences) sequences.push(sequence);
    else this.expected.set(userId, [sequence]);
  }

  /** How many events were accepted in all. */
  get expectedCount(): number {
    return [...this.expected.values()].reduce((sum, sequences) => sum + sequences.length, 0);
  }

  /** Publishes one event and expects its delivery if the reply is 202. Returns undefined when there was no reply. */
  async publish(
    office: BackOffice,
    userId: string,
    tier: 'critical' | 'important',
    headers?: Record<string, string>,
    data: TrackedEvent = this.nextEvent(userId),
  ): Promise<HttpReply | undefined> {
    const event = { userId, type: 'note.tracked', tier, data };
    const reply = await office.publish([event], headers).catch(() => undefined);
    if (reply?.status === 202) this.expectDelivery(data);
    return reply;
  }

  /** Waits until every device applied all events of its user, then expects that there are no violations. */
  async expectConsistent(devices: readonly CheckedDevice[], withinMs: number): Promise<void> {
    const behind = () => devices.filter((device) => this.lost(device).length > 0);
    await eventually('every event is applied on every device', () => behind().length === 0, withinMs).catch(
      () => undefined,
    );
    expectNoViolations(this.violations(devices));
  }

  /** Returns what went wrong on the devices, in words, at most 20 entries of each kind. */
  violations(devices: readonly CheckedDevice[]) {
    const found = (of: (device: CheckedDevice) => readonly string[]) =>
      devices.flatMap((device) => of(device).map((what) => `${device.deviceId}: ${what}`)).slice(0, 20);
    return {
      lost: found((device) => this.lost(device).map((sequence) => `lacks ${sequence}`)),
      duplicated: found((device) => repeated(sequencesOf(device)).map((sequence) => `${sequence} twice`)),
      wrongUser: found(eventsOfOtherUsers),
      outOfOrder: found((device) => [...device.eventLog.violations, ...stepsBack(sequencesOf(device))]),
    };
  }

  private lost(device: CheckedDevice): number[] {
    const has = new Set(sequencesOf(device));
    return (this.expected.get(device.userId) ?? []).filter((sequence) => !has.has(sequence));
  }
}

const trackedEventsOf = ({ eventLog }: CheckedDevice): TrackedEvent[] =>
  eventLog.applied.flatMap(({ data }) => ('sequence' in data ? [data as unknown as TrackedEvent] : []));

const sequencesOf = (device: CheckedDevice): number[] =>
  trackedEventsOf(device).map(({ sequence }) => sequence);

const eventsOfOtherUsers = (device: CheckedDevice): string[] =>
  trackedEventsOf(device)
    .filter(({ sequence, checksum }) => checksum !== checksumOf(device.userId, sequence))
    .map(({ userId, sequence }) => `received ${sequence} of ${userId}`);

const repeated = (sequences: readonly number[]): number[] =>
  sequences.filter((sequence, index) => sequences.indexOf(sequence) !== index);

const stepsBack = (sequences: readonly number[]): string[] =>
  sequences.flatMap((sequence, index) =>
    index > 0 && sequence < (sequences[index - 1] as number)
      ? [`${sequence} after ${sequences[index - 1]}`]
      : [],
  );
