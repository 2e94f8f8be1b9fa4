import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { ApnsProvider } from './apns/apns.provider.js';
import { FcmProvider } from './fcm/fcm.provider.js';
import { ProviderMonitorService } from './provider-monitor.service.js';
import { GuardedProvider } from './guarded.provider.js';
import type { PushProvider } from './push-provider.js';
import { WebPushProvider } from './webpush/webpush.provider.js';

/** Every way to sleeping devices, configured or not: `readonly PushProvider[]`. */
export const PUSH_PROVIDERS = Symbol('PUSH_PROVIDERS');

const vendors = (config: Config, watch: ProviderMonitorService): PushProvider[] =>
  [new ApnsProvider(config), new FcmProvider(config), new WebPushProvider(config)].map(
    (sender) => new GuardedProvider(sender, watch),
  );

@Module({
  providers: [
    ProviderMonitorService,
    { provide: PUSH_PROVIDERS, useFactory: vendors, inject: [CONFIG, ProviderMonitorService] },
  ],
  exports: [PUSH_PROVIDERS],
})
export class ProvidersModule implements OnApplicationShutdown {
  constructor(@Inject(PUSH_PROVIDERS) private readonly vendors: readonly PushProvider[]) {}

  /** After those who send have stopped. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.vendors.map((vendor) => vendor.close()));
  }
}
