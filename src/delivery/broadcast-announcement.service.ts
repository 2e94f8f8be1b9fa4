import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { broadcastsChanged } from '../broadcasts/broadcast-log.worker.js';
import { NodeRouterService } from '../cluster/node-router.service.js';
import { EventBusService } from '../platform/events/event-bus.service.js';

/** Tells the other nodes of broadcasts that this one has committed. While Redis is away they find out by themselves, within a second. */
@Injectable()
export class BroadcastAnnouncementService implements OnModuleInit {
  private readonly log = new Logger('delivery');

  constructor(
    private readonly bus: EventBusService,
    private readonly router: NodeRouterService,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(broadcastsChanged, () => this.announce());
  }

  private announce(): Promise<void> {
    return this.router
      .tellOfBroadcasts()
      .catch((error: unknown) => this.log.debug(`nodes find out by themselves: ${String(error)}`));
  }
}
