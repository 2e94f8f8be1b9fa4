import { Module } from '@nestjs/common';
import { NodeRegistryService } from './node-registry.service.js';
import { NodeRouterService } from './node-router.service.js';
import { NodeChannelStore, PresenceStore } from './presence.store.js';

@Module({
  providers: [NodeChannelStore, NodeRegistryService, NodeRouterService, PresenceStore],
  exports: [NodeRegistryService, NodeRouterService, PresenceStore],
})
export class ClusterModule {}
