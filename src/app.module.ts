import { type DynamicModule, Global, Inject, Module, type OnModuleInit, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { DispatcherService } from './delivery/dispatcher.service.js';
import { DeliveryModule } from './delivery/delivery.module.js';
import { ReceiptsService } from './delivery/receipts/receipts.service.js';
import { DemoModule } from './demo/demo.module.js';
import { LockScreenService } from './demo/lock-screen/lock-screen.service.js';
import { DeviceUpdateCommand } from './devices/device-update.service.js';
import { DevicesModule } from './devices/devices.module.js';
import { EdgeModule } from './streams/edges/edge.module.js';
import { EntitlementsModule } from './entitlements/entitlements.module.js';
import { entitlementsState } from './entitlements/entitlements.state.js';
import { LocalDeliveryService } from './live/connection/local-delivery.service.js';
import { DeviceGateway } from './live/socketio/device.gateway.js';
import { LiveModule } from './live/live.module.js';
import { SyncCommand, TokenRefreshCommand } from './live/connection/session-commands.service.js';
import { MailboxModule } from './mailbox/mailbox.module.js';
import { STATE_PARTS } from './mailbox/state/state.js';
import { MembershipModule } from './membership/membership.module.js';
import { CONFIG, type Config } from './platform/config/config.js';
import { PlatformModule } from './platform/platform.module.js';
import { PlaybackModule } from './playback/playback.module.js';
import { PlaybackService } from './playback/playback.service.js';
import { playbackState } from './playback/playback.state.js';
import { PlaybackActivityStore } from './playback/playback-activity.store.js';
import { PushModule } from './push/push.module.js';
import { PushSenderService } from './push/sending/push-sender.service.js';
import type { PushProvider } from './push/providers/push-provider.js';
import { PUSH_PROVIDERS } from './push/providers/providers.module.js';
import { ProviderRegistryService } from './push/providers/provider-registry.service.js';
import { RecommendationsModule } from './recommendations/recommendations.module.js';
import { recommendationsState } from './recommendations/recommendations.state.js';
import { TimelineModule } from './timeline/timeline.module.js';

/** The rooms' shares of a user's state. */
@Global()
@Module({
  providers: [{ provide: STATE_PARTS, useValue: [entitlementsState, playbackState, recommendationsState] }],
  exports: [STATE_PARTS],
})
class StateModule {}

/** Binds the ports: which channels reach devices, and which rooms answer what devices ask. */
@Module({ imports: [DeliveryModule, LiveModule, PlaybackModule] })
class PortsModule implements OnModuleInit {
  constructor(@Inject(ModuleRef) private readonly ref: ModuleRef) {}

  onModuleInit(): void {
    const get = <T>(type: Type<T>): T => this.ref.get(type, { strict: false });
    get(DispatcherService).use([get(LocalDeliveryService)]);
    get(DeviceGateway).registerCommands([
      get(PlaybackService),
      get(ReceiptsService),
      get(SyncCommand),
      get(TokenRefreshCommand),
      get(DeviceUpdateCommand),
    ]);
  }
}

/** Binds what pushes need to know, and who carries them: in development the page's lock screen, where a vendor has no credentials. */
@Module({ imports: [PushModule, PlaybackModule] })
class PushPortsModule implements OnModuleInit {
  constructor(
    @Inject(ModuleRef) private readonly ref: ModuleRef,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    const get = <T>(type: Type<T>): T => this.ref.get(type, { strict: false });
    get(PushSenderService).usePlaybackActivity(get(PlaybackActivityStore));
    const vendors = this.ref.get<readonly PushProvider[]>(PUSH_PROVIDERS, { strict: false });
    get(ProviderRegistryService).use(
      vendors,
      this.config.NODE_ENV === 'development' ? get(LockScreenService) : undefined,
    );
  }
}

/** The table of contents, in the order of an event's story: why, what, how. */
@Module({})
export class AppModule {
  static with(config: Config): DynamicModule {
    const doors = [MembershipModule, EntitlementsModule, RecommendationsModule, DevicesModule];
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(config),
        StateModule,
        ...doors,
        PlaybackModule,
        MailboxModule,
        DeliveryModule,
        PushModule,
        PushPortsModule,
        TimelineModule,
        ...(config.ROLES.includes('gateway') ? [LiveModule, EdgeModule, PortsModule] : []),
        ...(config.NODE_ENV === 'development' ? [DemoModule] : []),
      ],
    };
  }
}
