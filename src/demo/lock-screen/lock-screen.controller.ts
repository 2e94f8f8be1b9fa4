import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { type LockScreenBody, lockScreenBody, type FailureBody, failureBody } from './lock-screen.schema.js';
import { LockScreenService } from './lock-screen.service.js';
import { KnownHostGuard } from '../known-host.guard.js';

/** Shows the page the lock screen of its phone, and lets tests choose what the push provider returns. */
@ApiExcludeController()
@Controller('dev/lock-screen')
@UseGuards(KnownHostGuard)
export class LockScreenController {
  constructor(private readonly lockScreens: LockScreenService) {}

  @Post()
  @HttpCode(200)
  read(@Body({ schema: lockScreenBody }) { address }: LockScreenBody) {
    return this.lockScreens.get(address);
  }

  @Post('trouble')
  @HttpCode(204)
  setFailure(@Body({ schema: failureBody }) { address, always }: FailureBody): void {
    this.lockScreens.setFailure(address, always);
  }
}
