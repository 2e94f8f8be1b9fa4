import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { type LockScreenBody, lockScreenBody, type FailureBody, failureBody } from './lock-screen.schema.js';
import { LockScreenService } from './lock-screen.service.js';

/** The lock screen of the page's phone, and for tests the results of its fake push provider. */
@ApiExcludeController()
@Controller('dev/lock-screen')
export class LockScreenController {
  constructor(private readonly screen: LockScreenService) {}

  @Post()
  @HttpCode(200)
  read(@Body({ schema: lockScreenBody }) { address }: LockScreenBody) {
    return this.screen.of(address);
  }

  @Post('trouble')
  @HttpCode(204)
  trouble(@Body({ schema: failureBody }) { address, always }: FailureBody): void {
    this.screen.setFailure(address, always);
  }
}
