import { Injectable } from '@nestjs/common';
import type { StandInClock } from '../../digests/clock.service.js';
import { PrimaryLinkService } from '../../platform/processes/primary-link.service.js';

/** How far ahead of the machine's clock it is, in milliseconds, or where it stands still (milliseconds since 1970). */
type ClockPosition = { readonly aheadMs: number } | { readonly standsAt: number };

const TOPIC = 'demo-clock';

/** The clock by which digests are due, of all processes of this machine. It can be moved; no other clock moves with it. */
@Injectable()
export class DemoClockService implements StandInClock {
  private position: ClockPosition = { aheadMs: 0 };

  constructor(private readonly primary: PrimaryLinkService) {
    primary.onBroadcast(TOPIC, (position) => (this.position = position as ClockPosition));
  }

  /** The time that it shows. */
  now(): Date {
    const { position } = this;
    return new Date('standsAt' in position ? position.standsAt : Date.now() + position.aheadMs);
  }

  /** Moves it to this time, from where it goes on. */
  moveTo(time: Date): void {
    this.set({ aheadMs: time.getTime() - Date.now() });
  }

  /** Moves it to this time, and stops it there. */
  stopAt(time: Date): void {
    this.set({ standsAt: time.getTime() });
  }

  private set(position: ClockPosition): void {
    this.position = position;
    this.primary.broadcast(TOPIC, position);
  }
}
