import { Injectable } from '@nestjs/common';
import type { DurableTier } from '../../platform/tiers.js';

/**
 * Tells whoever sends pushes in this process that some were queued. A hint that saves the wait for the next look; other processes
 * look by themselves.
 */
@Injectable()
export class PushWakeupService {
  private readonly listeners: ((tier: DurableTier) => void)[] = [];

  onWake(listener: (tier: DurableTier) => void): void {
    this.listeners.push(listener);
  }

  wake(tier: DurableTier): void {
    for (const listener of this.listeners) listener(tier);
  }
}
