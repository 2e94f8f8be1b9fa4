import { Inject, Injectable } from '@nestjs/common';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { Problem } from '../../platform/http/problem.js';
import { PUSH_PROVIDERS, type PushProviderDefinition } from '../providers/push-provider.js';
import { pushesQueued } from '../queue/push.js';
import { PauseStore } from './pause.store.js';
import type { Pause, PauseBody } from './pauses.schema.js';

/** Holds the pushes of a provider back, on all nodes, from the next claim on: within a second, but for what is being sent. */
@Injectable()
export class PausesService {
  constructor(
    private readonly store: PauseStore,
    private readonly audit: AuditService,
    private readonly bus: EventBusService,
    @Inject(PUSH_PROVIDERS) private readonly providers: readonly Pick<PushProviderDefinition, 'name'>[],
  ) {}

  /** Begins a pause, or changes whether it is for critical events too. Throws Problem not_found for an unknown provider. */
  pause(vendor: string, { critical }: PauseBody, by: AuditContext): Promise<Pause> {
    this.check(vendor);
    return this.audit.transaction('important', by, async (tx) => {
      const { pause, before } = await this.store.put(tx, vendor, critical);
      const result = before?.critical === critical ? 'unchanged' : 'done';
      const told = { before: before ?? undefined, after: { critical } };
      return { outcome: pause, acts: [{ ...actOn('push.pause', vendor), ...told, result }] };
    });
  }

  /** Ends the pause, if there is one. What waited is sent as the provider's budget allows. Throws Problem not_found for an unknown provider. */
  resume(vendor: string, by: AuditContext): Promise<void> {
    this.check(vendor);
    return this.audit.transaction('important', by, async (tx) => {
      const ended = await this.store.remove(tx, vendor);
      tx.afterCommit(() => {
        for (const tier of ['critical', 'important'] as const) this.bus.publish(pushesQueued, tier);
      });
      const before = ended && { critical: ended.critical, since: ended.since };
      const result = ended ? 'done' : 'unchanged';
      return { outcome: undefined, acts: [{ ...actOn('push.resume', vendor), before, result }] };
    });
  }

  private check(vendor: string): void {
    if (!this.providers.some(({ name }) => name === vendor))
      throw new Problem('not_found', 'There is no such push provider.');
  }
}

const actOn = (action: 'push.pause' | 'push.resume', vendor: string) => ({
  action,
  target: { kind: 'provider', id: vendor },
});
