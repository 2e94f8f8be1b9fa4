import { Module } from '@nestjs/common';
import { ProviderMonitorService } from './provider-monitor.service.js';
import { ProviderRegistryService } from './provider-registry.service.js';
import { PUSH_PROVIDERS } from './push-provider.js';
import { pushProviders } from './registry.js';

/** The push providers. It stops after PushModule, which imports it: the connections end when nobody sends any more. */
@Module({
  providers: [
    ProviderMonitorService,
    ProviderRegistryService,
    { provide: PUSH_PROVIDERS, useValue: pushProviders },
  ],
  exports: [ProviderRegistryService, PUSH_PROVIDERS],
})
export class ProvidersModule {}
