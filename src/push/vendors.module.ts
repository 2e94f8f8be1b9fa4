import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { ApnsSender } from './apns/apns.sender.js';
import { FcmSender } from './fcm/fcm.sender.js';
import { GuardWatch } from './guard-watch.service.js';
import { GuardedVendor } from './guard.sender.js';
import type { PushVendor } from './vendor.js';
import { WebPushSender } from './webpush/webpush.sender.js';

/** Every way to sleeping devices, configured or not: `readonly PushVendor[]`. */
export const PUSH_VENDORS = Symbol('PUSH_VENDORS');

const vendors = (config: Config, watch: GuardWatch): PushVendor[] =>
  [new ApnsSender(config), new FcmSender(config), new WebPushSender(config)].map(
    (sender) => new GuardedVendor(sender, watch),
  );

@Module({
  providers: [GuardWatch, { provide: PUSH_VENDORS, useFactory: vendors, inject: [CONFIG, GuardWatch] }],
  exports: [PUSH_VENDORS],
})
export class VendorsModule implements OnApplicationShutdown {
  constructor(@Inject(PUSH_VENDORS) private readonly vendors: readonly PushVendor[]) {}

  /** After those who send have stopped. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.vendors.map((vendor) => vendor.close()));
  }
}
