import { Injectable } from '@nestjs/common';

/** The time by which digests are due. A simulation has another one. */
@Injectable()
export class ClockService {
  /** The present time. */
  now(): Date {
    return new Date();
  }
}
