import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Loop } from './loop.js';
import { isOutage } from '../postgres/outage.js';

/**
 * What a node does again and again, from the end of boot until it stops. A turn that fails is logged and tried again: an
 * outage in a line, anything else with its stack.
 */
export abstract class PeriodicWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  protected readonly log: Logger;
  private readonly loop: Loop;
  private readonly runs: boolean;

  /** `everyMs` counts from the end of a turn; `runs` says whether this node has the role for it. */
  protected constructor(of: { readonly log: string; readonly everyMs: number; readonly runs?: boolean }) {
    this.log = new Logger(of.log);
    this.runs = of.runs ?? true;
    this.loop = new Loop(
      of.everyMs,
      async () => this.runOnce(),
      (error) =>
        isOutage(error) ? this.log.warn(`will try again: ${String(error)}`) : this.log.error(error),
    );
  }

  onApplicationBootstrap(): void {
    if (this.runs) this.loop.start();
  }

  /** Waits for the turn under way. */
  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  protected abstract runOnce(): Promise<void> | void;
}
