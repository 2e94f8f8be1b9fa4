import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { isOutage, isStatementTimeout } from '../../platform/postgres/outage.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { SliceSizes } from '../../platform/scheduling/turns/slice-sizes.js';
import { PlanningService } from './planning.service.js';

const EVERY_MS = 1_000;
/** Plans that are made in one transaction. */
const SLICE = 500;
/** Slices of one run: ten thousand users a second, so that a change of a digest for fifty million takes an hour and a half. */
const MAX_SLICES = 20;

/** Plans the users who must be planned. What is left is read from the tables each time, so a crash loses no progress. Runs on every worker. */
@Injectable()
export class DigestPlannerWorker extends PeriodicWorker {
  private readonly walked = new SliceSizes(SLICE);
  private readonly planned = new SliceSizes(SLICE);

  constructor(
    private readonly planning: PlanningService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'digests', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  /** One run: at most so many slices of changed digests, and of plans for each digest. */
  async runOnce(): Promise<void> {
    const { planning } = this;
    await this.run(await planning.listChanged(), MAX_SLICES, this.walked, ({ name }, limit) =>
      planning.walk(name, limit),
    );
    const unplanned = await planning.listUnplanned();
    await this.run(unplanned, MAX_SLICES * unplanned.length, this.planned, (digest, limit) =>
      planning.plan(digest, limit),
    );
  }

  /** A slice of each digest in turn. One that fails gets no further turn in this run, and less to do in the next one if that took too long. */
  private async run<Digest extends { readonly name: string }>(
    digests: readonly Digest[],
    maxSlices: number,
    sizes: SliceSizes,
    runSlice: (digest: Digest, limit: number) => Promise<boolean>,
  ): Promise<void> {
    const turns = [...digests];
    for (let slice = 0; slice < maxSlices; slice += 1) {
      const digest = turns.shift();
      if (!digest) return;
      const limit = sizes.of(digest.name);
      try {
        if (await runSlice(digest, limit)) turns.push(digest);
        sizes.grow(digest.name);
      } catch (error) {
        if (isOutage(error) && !isStatementTimeout(error)) throw error;
        if (isStatementTimeout(error)) sizes.shrink(digest.name, limit);
        this.log.error(error, `the digest ${digest.name} cannot be planned for ${limit} users`);
      }
    }
  }
}
