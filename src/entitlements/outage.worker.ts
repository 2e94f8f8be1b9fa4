import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Loop } from '../platform/loop.js';
import { Database } from '../platform/postgres/database.js';
import { named } from '../platform/postgres/statement.js';
import { within } from '../platform/within.js';
import { Grace } from './grace.service.js';

const EVERY_MS = 1_000;
const DEADLINE_MS = 2_000;
const PING = named('outage', 'SELECT 1 AS ok');

/** Looks each second whether PostgreSQL answers: grace counts from the outage's start, not from the first stream that asks. */
@Injectable()
export class OutageWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop = new Loop(
    EVERY_MS,
    () => this.look(),
    () => undefined,
  );

  constructor(
    private readonly database: Database,
    private readonly grace: Grace,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async look(): Promise<void> {
    const began = Date.now();
    await within(DEADLINE_MS, this.database.run('critical', PING, [])).then(
      () => this.grace.back(),
      () => this.grace.away(began),
    );
  }
}
