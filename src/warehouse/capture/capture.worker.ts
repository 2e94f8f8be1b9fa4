import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { CaptureSessionStore } from './capture-session.store.js';
import { CaptureService } from './capture.service.js';

/** How soon another node takes over, and how soon a failure is tried again. */
const RETRY_MS = 2_000;

/** Captures changes on one node at a time; the others wait until they may. */
@Injectable()
export class CaptureWorker extends PeriodicWorker {
  private readonly stopping = new AbortController();

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly sessions: CaptureSessionStore,
    private readonly capture: CaptureService,
  ) {
    super({
      log: 'warehouse',
      everyMs: RETRY_MS,
      runs: config.WAREHOUSE === 'on' && config.ROLES.includes('worker'),
    });
  }

  /** What is in memory is not written: it is sent again to whoever takes over. */
  override async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await super.onApplicationShutdown();
  }

  protected async runOnce(): Promise<void> {
    const session = await this.sessions.open();
    if (!session) return;
    try {
      await this.capture.run(session, this.stopping.signal);
    } finally {
      await session.close();
    }
  }
}
