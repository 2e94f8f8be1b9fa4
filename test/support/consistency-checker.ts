import { createHmac } from 'node:crypto';
import { expect } from '@jest/globals';
import type { BackOffice, Reply } from './drivers/back-office.js';
import type { Diary } from './event-log.js';
import { eventually } from './eventually.js';

/** What a test event carries: whose it is, its number, and a sum over both, so that a stray one is known at sight. */
export interface Note {
  readonly userId: string;
  readonly mark: number;
  readonly sum: string;
}

/** A device as the ledger sees it. */
export interface Follower {
  readonly userId: string;
  readonly deviceId: string;
  readonly diary: Diary;
}

const sumOf = (userId: string, mark: number): string =>
  createHmac('sha256', 'the ledger').update(`${userId} ${mark}`).digest('base64url').slice(0, 16);

/** The global pass of every scenario (RELIABILITY, section 3.0). */
export function expectClean(verdict: ReturnType<Ledger['verdict']>): void {
  expect(verdict).toEqual({ lost: [], dupEffect: [], wrongUser: [], order: [] });
}

/** Two publishes of one user never overlap here, so marks grow in the order of offsets. */
export class Ledger {
  private readonly owed = new Map<string, number[]>();
  private last = 0;

  /** The data of the next event for this user. Owed to its devices once the server took it. */
  note(userId: string): Note {
    this.last += 1;
    return { userId, mark: this.last, sum: sumOf(userId, this.last) };
  }

  owe({ userId, mark }: Note): void {
    const marks = this.owed.get(userId);
    if (marks) marks.push(mark);
    else this.owed.set(userId, [mark]);
  }

  /** How many events are owed in all. */
  get size(): number {
    return [...this.owed.values()].reduce((sum, marks) => sum + marks.length, 0);
  }

  /** Publishes one event; what is answered 202 is owed. Undefined when no answer came. */
  async publish(
    office: BackOffice,
    userId: string,
    tier: 'critical' | 'important',
    headers?: Record<string, string>,
    note: Note = this.note(userId),
  ): Promise<Reply | undefined> {
    const event = { userId, type: 'note.owed', tier, data: note };
    const reply = await office.publish([event], headers).catch(() => undefined);
    if (reply?.status === 202) this.owe(note);
    return reply;
  }

  /** Waits until every device applied all that its user is owed, then expects that nothing else happened to any of them. */
  async settles(followers: readonly Follower[], withinMs: number): Promise<void> {
    const behind = () => followers.filter((follower) => this.lost(follower).length > 0);
    await eventually('every event is applied on every device', () => behind().length === 0, withinMs).catch(
      () => undefined,
    );
    expectClean(this.verdict(followers));
  }

  /** RELIABILITY, section 3.0: the global pass of every scenario, in words. */
  verdict(followers: readonly Follower[]) {
    const found = (of: (follower: Follower) => readonly string[]) =>
      followers
        .flatMap((follower) => of(follower).map((what) => `${follower.deviceId}: ${what}`))
        .slice(0, 20);
    return {
      lost: found((follower) => this.lost(follower).map((mark) => `lacks ${mark}`)),
      dupEffect: found((follower) => repeated(marksOf(follower)).map((mark) => `${mark} twice`)),
      wrongUser: found(foreign),
      order: found((follower) => [...follower.diary.broken, ...stepsBack(marksOf(follower))]),
    };
  }

  private lost(follower: Follower): number[] {
    const has = new Set(marksOf(follower));
    return (this.owed.get(follower.userId) ?? []).filter((mark) => !has.has(mark));
  }
}

const notesOf = ({ diary }: Follower): Note[] =>
  diary.applied.flatMap(({ data }) => ('mark' in data ? [data as unknown as Note] : []));

const marksOf = (follower: Follower): number[] => notesOf(follower).map(({ mark }) => mark);

const foreign = (follower: Follower): string[] =>
  notesOf(follower)
    .filter(({ mark, sum }) => sum !== sumOf(follower.userId, mark))
    .map(({ userId, mark }) => `got ${mark} of ${userId}`);

const repeated = (marks: readonly number[]): number[] =>
  marks.filter((mark, index) => marks.indexOf(mark) !== index);

const stepsBack = (marks: readonly number[]): string[] =>
  marks.flatMap((mark, index) =>
    index > 0 && mark < (marks[index - 1] as number) ? [`${mark} after ${marks[index - 1]}`] : [],
  );
