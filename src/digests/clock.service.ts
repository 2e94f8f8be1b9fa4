import { Inject, Injectable, Optional } from '@nestjs/common';

/** A clock instead of the machine's. The demo has one that can be moved. */
export interface StandInClock {
  now(): Date;
}
/** Injection token of the StandInClock, which the demo binds; nothing does in production. */
export const STAND_IN_CLOCK = Symbol('STAND_IN_CLOCK');

/** The time by which digests are due. */
@Injectable()
export class ClockService {
  constructor(@Optional() @Inject(STAND_IN_CLOCK) private readonly standIn?: StandInClock) {}

  /** The present time. */
  now(): Date {
    return this.standIn?.now() ?? new Date();
  }
}
