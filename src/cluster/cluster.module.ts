import { Module } from '@nestjs/common';
import { NodeChannelStore } from './node-channel.store.js';
import { NodeRecoveryService } from './node-recovery.service.js';
import { NodeRegistryService } from './node-registry.service.js';
import { NodeRouterService } from './node-router.service.js';
import { NodeStore } from './node.store.js';
import { PresenceStore } from './presence.store.js';

/** The nodes of one installation: which are alive, which users have devices on which, and messages between them. */
@Module({
  providers: [
    NodeChannelStore,
    NodeRecoveryService,
    NodeRegistryService,
    NodeRouterService,
    NodeStore,
    PresenceStore,
  ],
  exports: [NodeRegistryService, NodeRouterService, PresenceStore],
})
export class ClusterModule {}
