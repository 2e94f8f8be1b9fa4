import { Injectable } from '@nestjs/common';
import type { Batch } from './announcement.js';

/**
 * From what was written to what must be told: told of a batch only after its commit, in this process, at once.
 * A listener must not throw and must not wait. What is lost when the process dies is found by the sweep (delivery/).
 */
@Injectable()
export class Feed {
  private readonly listeners: ((batch: Batch) => void)[] = [];

  subscribe(listener: (batch: Batch) => void): void {
    this.listeners.push(listener);
  }

  announce(batch: Batch): void {
    for (const listener of this.listeners) listener(batch);
  }
}
