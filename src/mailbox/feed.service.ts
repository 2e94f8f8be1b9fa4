import { Injectable } from '@nestjs/common';
import type { CommittedBatch } from './events/outgoing-event.js';

/**
 * From what was written to what must be told: told of a batch only after its commit, in this process, at once.
 * A listener must not throw and must not wait. What is lost when the process dies is found by the sweep (delivery/).
 */
@Injectable()
export class FeedService {
  private readonly listeners: ((batch: CommittedBatch) => void)[] = [];

  subscribe(listener: (batch: CommittedBatch) => void): void {
    this.listeners.push(listener);
  }

  publish(batch: CommittedBatch): void {
    for (const listener of this.listeners) listener(batch);
  }
}
