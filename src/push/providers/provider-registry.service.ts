import { Injectable } from '@nestjs/common';
import type { ProviderName } from '../queue/push.js';
import type { PushMessage, PushProvider, SendResult } from './push-provider.js';

/** Whoever stands in for vendors that have no credentials here; development's lock screen. */
export type StandInProvider = Pick<PushProvider, 'send'>;

/** The ways to sleeping devices, by name; bound once, at boot (app.module.ts). */
@Injectable()
export class ProviderRegistryService {
  private readonly vendors = new Map<ProviderName, PushProvider>();
  private standIn: StandInProvider | undefined;

  use(vendors: readonly PushProvider[], standIn?: StandInProvider): void {
    for (const vendor of vendors) this.vendors.set(vendor.name, vendor);
    this.standIn = standIn;
  }

  /** Never throws: a vendor that is not configured here can never take it. */
  send(name: ProviderName, message: PushMessage): Promise<SendResult> {
    const vendor = this.vendors.get(name);
    if (vendor?.configured) return vendor.send(message);
    return this.standIn?.send(message) ?? Promise.resolve({ is: 'sender_fault', reason: 'not_configured' });
  }
}
