import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { edgeBroadcast } from '../edges/edge-notice.js';
import type { LeaseClaims } from './lease.js';

/** Streams that a node remembers; some 300 bytes each. A stream that was forgotten has no grace. */
const MAX_REMEMBERED = 100_000;

/** The last yes to a stream. */
export interface GrantedLease {
  readonly claims: LeaseClaims;
  /** In ms: the membership ends then. */
  readonly endsAt: number | undefined;
}

/** What a stream may do while PostgreSQL is away; `until` in ms. */
export type GraceDecision =
  | { readonly allowed: true; readonly yes: GrantedLease; readonly until: number }
  | { readonly allowed: false; readonly refused: boolean };

/**
 * While PostgreSQL is away, running streams go on for GRACE_SECONDS from the outage's start: an outage of ours must not stop
 * people who pay. Only on a yes that this node gave, and never against a refusal that it knows.
 */
@Injectable()
export class GraceService {
  private readonly yes = new LRUCache<string, GrantedLease>({ max: MAX_REMEMBERED });
  /** Stopped for good. Kept apart, so that an answer that was under way cannot bring it back. */
  private readonly stopped = new LRUCache<string, true>({ max: MAX_REMEMBERED });
  private awaySince: number | undefined;

  constructor(
    bus: EventBusService,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    bus.subscribe(edgeBroadcast, ({ notices }) => {
      for (const told of notices) if (told.type === 'stream.stop') this.stop(told.data.streamId);
    });
  }

  remember(yes: GrantedLease): void {
    this.yes.set(yes.claims.sid, yes);
  }

  /** The last answer was no; it may be yes again. */
  refuse(streamId: string): void {
    this.yes.delete(streamId);
  }

  stop(streamId: string): void {
    this.yes.delete(streamId);
    this.stopped.set(streamId, true);
  }

  /** PostgreSQL did not answer what was asked at `began`. The outage began with the first such question. */
  outageBegan(began: number): void {
    this.awaySince ??= began;
  }

  outageEnded(): void {
    this.awaySince = undefined;
  }

  /** Whether the stream may go on, and until when. */
  decide(streamId: string): GraceDecision {
    const yes = this.yes.get(streamId);
    if (this.stopped.has(streamId)) return { allowed: false, refused: true };
    const until = (this.awaySince ?? Date.now()) + this.config.GRACE_SECONDS * 1_000;
    return yes ? { allowed: true, yes, until } : { allowed: false, refused: false };
  }
}
