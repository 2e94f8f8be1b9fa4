import { delayMs, failuresAfter } from './backoff.js';
import { isAboutToken, toUsherError, UsherError } from './errors.js';
import { Line, type Acknowledge, type Answer } from './line.js';
import type { Settings } from './options.js';
import type { Timers } from './timers.js';

/** `connecting` an attempt is under way · `live` welcomed · `offline` waiting for the next attempt · `closed` for good. */
export type Connection = 'connecting' | 'live' | 'offline' | 'closed';

/** From dialling to welcome (and snapshot); a server that accepts and then says nothing is as good as gone. */
const GREET_WITHIN_MS = 20_000;
const ANSWER_WITHIN_MS = 10_000;

export interface SessionEars {
  /** What to hand in, for this attempt with this token. */
  auth(token: string, downMs: number): Record<string, string>;
  frame(name: string, payload: unknown, acknowledge: Acknowledge): void;
  connection(now: Connection): void;
  /** Something went wrong that the session deals with by itself. */
  trouble(error: UsherError): void;
  /** Refused for good. */
  refused(error: UsherError): void;
}

/** Keeps one line up: dials, waits, dials again, until it is closed or refused for good. */
export class Session {
  private line: Line | undefined;
  private stage: Connection = 'offline';
  private dials = 0;
  private failures = 0;
  private renewedToken = false;
  private toldToWait = false;
  private liveSince = 0;
  private lostAt: number | undefined;
  /** When the latest attempt began, by the local clock. */
  dialledAt = 0;

  constructor(
    private readonly settings: Settings,
    private readonly timers: Timers,
    private readonly ears: SessionEars,
  ) {}

  get isLive(): boolean {
    return this.stage === 'live';
  }

  /** Dials now. */
  async dial(): Promise<void> {
    if (this.stage === 'closed') return;
    const dial = ++this.dials; // a token that arrives late belongs to an attempt that was given up
    this.dialledAt = this.settings.now();
    this.turn('connecting');
    this.timers.clear('retry');
    this.timers.set('greet', GREET_WITHIN_MS, () =>
      this.drop(new UsherError('timeout', 'no welcome in time', true)),
    );
    let token: string;
    try {
      token = await this.settings.token();
    } catch (error) {
      if (dial === this.dials) this.drop(toUsherError(error, 'token_unavailable'));
      return;
    }
    if (dial !== this.dials) return;
    const { url, transports } = this.settings;
    const auth = this.ears.auth(token, this.settings.now() - (this.lostAt ?? this.dialledAt));
    if (dial !== this.dials) return; // a listener closed us just now
    this.line = new Line(
      { url, transports, auth },
      {
        frame: (name, payload, acknowledge) => this.ears.frame(name, payload, acknowledge),
        ended: (why) => this.lost(why),
      },
    );
  }

  /** The server greeted us and everything is here. */
  greeted(): void {
    this.timers.clear('greet');
    if (this.stage !== 'connecting') return;
    this.liveSince = this.settings.now();
    this.lostAt = undefined;
    this.renewedToken = false;
    this.turn('live');
  }

  /** Gives this line up and comes back by backoff, not before what was asked for. */
  drop(why: UsherError, askedMs?: number): void {
    this.line?.close();
    this.retry(why, askedMs);
  }

  /** The network is back: waiting any longer serves nobody, unless the server asked for it. */
  hurry(): void {
    if (this.stage !== 'offline' || this.toldToWait) return;
    this.timers.set('retry', delayMs(0, this.settings.random), () => void this.dial());
  }

  async request(name: string, payload: unknown): Promise<Answer> {
    if (!this.line) throw new UsherError('offline', 'not connected', true);
    return this.line.request(name, payload, ANSWER_WITHIN_MS);
  }

  close(): void {
    if (this.stage === 'closed') return;
    this.dials++;
    this.line?.close();
    this.line = undefined;
    this.turn('closed');
  }

  private lost(why: UsherError): void {
    const curable = isAboutToken(why) && this.settings.tokenRenews;
    if (isAboutToken(why) ? !curable : !why.retryable) return this.stop(why);
    if (!curable || this.renewedToken) return this.retry(why);
    this.renewedToken = true;
    this.noteLoss();
    void this.dial();
  }

  private retry(why: UsherError, askedMs = why.retryAfterMs): void {
    if (this.stage === 'closed') return;
    this.dials++;
    this.line = undefined;
    this.noteLoss();
    this.timers.clear('greet');
    this.toldToWait = askedMs !== undefined;
    this.timers.set('retry', delayMs(this.failures++, this.settings.random, askedMs), () => void this.dial());
    this.turn('offline');
    this.ears.trouble(why);
  }

  /** Closes for good, and says why. */
  stop(why: UsherError): void {
    this.close();
    this.ears.refused(why);
  }

  private noteLoss(): void {
    if (this.stage !== 'live') return;
    this.lostAt = this.settings.now();
    this.failures = failuresAfter(this.lostAt - this.liveSince, this.failures);
  }

  private turn(stage: Connection): void {
    if (this.stage === stage) return;
    this.stage = stage;
    this.ears.connection(stage);
  }
}
