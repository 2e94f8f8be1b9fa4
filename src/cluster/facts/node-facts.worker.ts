import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { commit, version } from '../../platform/build.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { LifecycleService } from '../../platform/lifecycle.service.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { NodeFactsService } from '../../platform/node-facts.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import { NodeFactsStore } from './node-facts.store.js';
import { NodeRegistryService } from '../node-registry.service.js';

const EVERY_MS = 1_000;
const LEAVE_TIMEOUT_MS = 500;

/** Publishes what this node says of itself, once a second. Nothing but what people look at depends on it. */
@Injectable()
export class NodeFactsWorker extends PeriodicWorker {
  constructor(
    private readonly store: NodeFactsStore,
    private readonly nodes: NodeRegistryService,
    private readonly facts: NodeFactsService,
    lifecycle: LifecycleService,
    metrics: MetricsService,
    @Inject(CONFIG) { ROLES: roles }: Config,
  ) {
    super({ log: 'nodes', everyMs: EVERY_MS });
    const fixed = { version, host: hostname(), roles, since: new Date().toISOString() };
    for (const [name, value] of Object.entries(fixed)) facts.add(name, () => value);
    metrics.gaugesBy(
      'build_info',
      '1. The labels say which build the node runs, and the id by which other nodes and the console know it.',
      'max',
      ['version', 'commit', 'node'],
      () => [[[version, commit, nodes.id], 1]],
    );
    facts.add('state', () => lifecycle.phase);
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await withTimeout(LEAVE_TIMEOUT_MS, this.store.remove(this.nodes.id)).catch(() => undefined);
  }

  protected runOnce(): Promise<void> {
    return this.store.publish(this.nodes.id, this.facts.read());
  }

  /** That Redis is away is logged by those who need it. */
  protected override onError(error: unknown): void {
    this.log.debug(`not published: ${String(error)}`);
  }
}
