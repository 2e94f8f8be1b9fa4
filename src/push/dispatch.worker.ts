import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Bell } from '../delivery/bell.service.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Loop } from '../platform/loop.js';
import type { DurableTier } from '../platform/postgres/lanes.js';
import { type VendorName, VENDORS } from './push.js';
import { backoffMs } from './retry.js';
import { type Round, Rounds } from './rounds.service.js';

const EVERY_MS: Record<DurableTier, number> = { critical: 500, important: 1_000 };
/** Bounds a turn; what is left waits for the next one. */
const MAX_ROUNDS = 50;
/** From so many failures of one batch on, it is not the devices. */
const TELLING = 10;

/** While a vendor is left alone. */
interface Pause {
  until: number;
  failures: number;
}

/**
 * Sends what is due: a loop for each vendor and tier, so that neither a vendor that hangs nor a campaign holds up anything else. Any
 * number of workers may do it at once (claim.sql).
 */
@Injectable()
export class Dispatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('push');
  private readonly lanes = VENDORS.flatMap((vendor) =>
    (['critical', 'important'] as const).map((tier) => this.lane(vendor, tier)),
  );

  constructor(
    private readonly rounds: Rounds,
    private readonly bell: Bell,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.ROLES.includes('worker')) return;
    for (const { loop } of this.lanes) loop.start();
    this.bell.listen((rung) => {
      for (const { tier, loop } of this.lanes) if (tier === rung) loop.wake();
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.lanes.map(({ loop }) => loop.stop()));
  }

  private lane(vendor: VendorName, tier: DurableTier) {
    const pause: Pause = { until: 0, failures: 0 };
    const loop = new Loop(
      EVERY_MS[tier],
      () => this.turn(vendor, tier, pause),
      (error) => this.log.warn(`will try again: ${String(error)}`),
    );
    return { tier, loop };
  }

  private async turn(vendor: VendorName, tier: DurableTier, pause: Pause): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS && Date.now() >= pause.until; round += 1) {
      const done = await this.rounds.run(vendor, tier);
      heed(pause, done);
      if (!done.more) return;
    }
  }
}

/** A vendor that refuses a whole batch is left alone for a while: millions that wait must not each try by themselves. */
function heed(pause: Pause, { asked, failed }: Round): void {
  if (failed < asked) pause.failures = 0;
  if (failed < asked || asked < TELLING) return;
  pause.failures += 1;
  pause.until = Date.now() + backoffMs(pause.failures);
}
