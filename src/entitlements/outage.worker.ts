import { Injectable } from '@nestjs/common';
import { Repeated } from '../platform/repeated.js';
import { Database } from '../platform/postgres/database.js';
import { named } from '../platform/postgres/statement.js';
import { within } from '../platform/within.js';
import { Grace } from './grace.service.js';

const EVERY_MS = 1_000;
const DEADLINE_MS = 2_000;
const PING = named('outage', 'SELECT 1 AS ok');

/** Looks each second whether PostgreSQL answers: grace counts from the outage's start, not from the first stream that asks. */
@Injectable()
export class OutageWatch extends Repeated {
  constructor(
    private readonly database: Database,
    private readonly grace: Grace,
  ) {
    super({ log: 'streams', everyMs: EVERY_MS });
  }

  protected async turn(): Promise<void> {
    const began = Date.now();
    await within(DEADLINE_MS, this.database.run('critical', PING, [])).then(
      () => this.grace.back(),
      () => this.grace.away(began),
    );
  }
}
