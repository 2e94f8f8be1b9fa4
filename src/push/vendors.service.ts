import { Injectable } from '@nestjs/common';
import type { VendorName } from './push.js';
import type { PushMessage, PushVendor, Verdict } from './vendor.js';

/** Whoever stands in for vendors that have no credentials here; development's lock screen. */
export type StandIn = Pick<PushVendor, 'send'>;

/** The ways to sleeping devices, by name; bound once, at boot (app.module.ts). */
@Injectable()
export class Vendors {
  private readonly vendors = new Map<VendorName, PushVendor>();
  private standIn: StandIn | undefined;

  use(vendors: readonly PushVendor[], standIn?: StandIn): void {
    for (const vendor of vendors) this.vendors.set(vendor.name, vendor);
    this.standIn = standIn;
  }

  /** Never throws: a vendor that is not configured here can never take it. */
  send(name: VendorName, message: PushMessage): Promise<Verdict> {
    const vendor = this.vendors.get(name);
    if (vendor?.configured) return vendor.send(message);
    return this.standIn?.send(message) ?? Promise.resolve({ is: 'sender_fault', reason: 'not_configured' });
  }
}
