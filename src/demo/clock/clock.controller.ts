import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { type SessionBody, sessionBody } from '../demo.schema.js';
import { KnownHostGuard } from '../known-host.guard.js';
import { type ClockBody, clockBody } from './clock.schema.js';
import { DemoClockService } from './demo-clock.service.js';
import { EveningService } from './evening.service.js';

/** Moves the clock of digests: a simulated week must not take a week. */
@ApiExcludeController()
@Controller('dev/clock')
@UseGuards(KnownHostGuard)
export class ClockController {
  constructor(
    private readonly clock: DemoClockService,
    private readonly evenings: EveningService,
  ) {}

  /** Moves the clock; returns what it shows. */
  @Post()
  @HttpCode(200)
  move(@Body({ schema: clockBody }) { at, stands }: ClockBody) {
    const time = new Date(at);
    if (stands) this.clock.stopAt(time);
    else this.clock.moveTo(time);
    return { now: this.clock.now().toISOString() };
  }

  /** Moves the clock to shortly before the user's next digest. */
  @Post('evening')
  @HttpCode(200)
  evening(@Body({ schema: sessionBody }) { userId }: SessionBody) {
    return this.evenings.begin(userId);
  }
}
