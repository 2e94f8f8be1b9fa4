import { Clock } from './clock.js';
import { readEnvelope, type Envelope } from './envelope.js';
import { toUsherError, UsherError } from './errors.js';
import { FRAMES, isSuperseded, readRetryAfter, readWelcome } from './frames.js';
import { Inbox } from './inbox.js';
import type { Acknowledge } from './line.js';
import type { Settings } from './options.js';
import { Outbox } from './outbox.js';
import { Positions } from './position.js';
import { Resync } from './resync.js';
import { positionToResume } from './sequence.js';
import { Session, type Connection } from './session.js';
import type { Timers } from './timers.js';
import { subjectOf } from './token.js';

/** A line that went dead without a word is noticed by its missing pings, up to this much later. */
const UNNOTICED_MS = 60_000;

export interface LinkEars {
  event(event: Envelope): void;
  /** Something about the state may be different. */
  changed(): void;
  offline(why: UsherError): void;
  refused(why: UsherError): void;
  trouble(error: unknown): void;
}

/** Where the parts meet: each frame goes to the part that understands it. No decisions of its own. */
export class Link {
  connection: Connection = 'offline';
  heartbeatSeconds = 60;
  readonly clock: Clock;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  private readonly session: Session;
  private readonly resync: Resync;
  private storageComplained = false;

  constructor(
    private readonly settings: Settings,
    timers: Timers,
    private readonly ears: LinkEars,
  ) {
    this.clock = new Clock(settings.now);
    this.inbox = new Inbox({
      deviceId: settings.deviceId,
      positions: new Positions(settings.storage, settings.url, settings.deviceId),
      now: () => this.clock.now(),
      deliver: (event) => ears.event(event),
      changed: () => ears.changed(),
      storageFailed: () => this.storageFailed(),
    });
    this.session = new Session(settings, timers, {
      auth: (token, downMs) => this.introduce(token, downMs),
      frame: (name, payload, acknowledge) => this.frame(name, payload, acknowledge),
      connection: (now) => this.turned(now),
      trouble: (why) => ears.offline(why),
      refused: (why) => ears.refused(why),
    });
    const request = (name: string, payload: unknown) => this.session.request(name, payload);
    this.outbox = new Outbox({ isLive: () => this.session.isLive, request });
    this.resync = new Resync(
      {
        position: () => this.inbox.cursor && this.inbox.position,
        send: (position) => request('sync', position),
        giveUp: (error) => this.startOver(`sync failed: ${error.message}`),
      },
      timers,
      settings.random,
    );
  }

  open(): void {
    void this.session.dial();
  }

  hurry(): void {
    this.session.hurry();
  }

  close(why: UsherError): void {
    this.session.close();
    this.resync.stop();
    this.outbox.close(why);
  }

  private introduce(token: string, downMs: number): Record<string, string> {
    const userId = subjectOf(token);
    if (userId !== undefined) this.become(userId);
    const position = positionToResume(this.inbox.cursor, downMs);
    const resume = position && {
      epoch: position.epoch,
      offset: String(position.offset),
      since: new Date(this.clock.now() - downMs - UNNOTICED_MS).toISOString(),
    };
    return { ...this.settings.introduction, token, ...resume };
  }

  private goAway(payload: unknown): void {
    // Two that share a device id would take its place from each other for ever.
    if (isSuperseded(payload))
      return this.session.stop(new UsherError('superseded', 'this device connected elsewhere', false));
    this.session.drop(
      new UsherError('goaway', 'the server asked us to come back later', true),
      readRetryAfter(payload),
    );
  }

  /** What the former user of this device still wanted to say must not be said in the next one's name. */
  private become(userId: string): void {
    if (!this.inbox.become(userId)) return;
    this.outbox.discard(new UsherError('user_changed', 'another user signed in before this was sent', false));
    this.ears.changed();
  }

  private frame(name: string, payload: unknown, acknowledge: Acknowledge): void {
    switch (name) {
      case FRAMES.welcome:
        return this.welcome(payload);
      case FRAMES.snapshot:
        return this.snapshot(payload, acknowledge);
      case FRAMES.goaway:
        return this.goAway(payload);
      case FRAMES.tokenExpiring:
        return void this.renewToken();
      default:
        return this.event(payload, acknowledge);
    }
  }

  private welcome(payload: unknown): void {
    const welcome = readWelcome(payload);
    if (!welcome) return this.startOver('the welcome cannot be read');
    if (!this.session.isLive) this.clock.learn(welcome.serverTime, this.session.dialledAt);
    this.heartbeatSeconds = welcome.heartbeatSeconds;
    this.become(welcome.userId);
    const follows = this.inbox.welcome(welcome);
    if (follows === 'impossible') this.startOver('the replay does not follow our position');
    else if (follows === 'replay') this.resumed();
  }

  private snapshot(payload: unknown, acknowledge: Acknowledge): void {
    if (!this.inbox.snapshot(payload)) return this.startOver('the snapshot cannot be read');
    acknowledge();
    this.resumed();
  }

  private resumed(): void {
    this.session.greeted();
    this.resync.answered(this.inbox.isBehind);
    this.outbox.flush();
  }

  private event(payload: unknown, acknowledge: Acknowledge): void {
    const event = readEnvelope(payload);
    if (!event) this.ears.trouble(new UsherError('protocol', 'a frame that is no event was ignored', false));
    else if (!this.inbox.event(event, acknowledge)) this.resync.need();
  }

  /** A refusal needs no more: the server closes at expiry, and the next connection fetches a token of its own. */
  private async renewToken(): Promise<void> {
    if (!this.settings.tokenRenews) return;
    try {
      await this.session.request('token.refresh', { token: await this.settings.token() });
    } catch (error) {
      if (this.session.isLive) this.ears.trouble(toUsherError(error, 'token_unavailable'));
    }
  }

  /** Comes back by backoff and asks for a snapshot, which is right whatever went wrong. */
  private startOver(why: string): void {
    this.inbox.doubt();
    this.session.drop(new UsherError('protocol', why, true));
  }

  private turned(now: Connection): void {
    this.connection = now;
    if (now !== 'live') this.resync.stop();
    this.ears.changed();
  }

  private storageFailed(): void {
    if (this.storageComplained) return; // once says it; every event would shout
    this.storageComplained = true;
    this.ears.trouble(
      new UsherError(
        'storage',
        'the position cannot be stored; events may be heard again after a restart',
        true,
      ),
    );
  }
}
