import { Module } from '@nestjs/common';
import { ProviderMonitorService } from './provider-monitor.service.js';
import { PushTracesService } from './push-traces.service.js';
import { PushProvidersService } from './push-providers.service.js';
import { PUSH_PROVIDERS } from './push-provider.js';
import { pushProviders } from './registry.js';

/** The push providers. It stops after PushModule, which imports it: the connections end when nobody sends any more. */
@Module({
  providers: [
    ProviderMonitorService,
    PushProvidersService,
    PushTracesService,
    { provide: PUSH_PROVIDERS, useValue: pushProviders },
  ],
  exports: [PushProvidersService, PushTracesService, PUSH_PROVIDERS],
})
export class ProvidersModule {}
