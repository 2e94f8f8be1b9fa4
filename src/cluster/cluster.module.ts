import { Module } from '@nestjs/common';
import { ConnectionLookupService } from './lookup/connection-lookup.service.js';
import { ConnectionLookupStore } from './lookup/connection-lookup.store.js';
import { NodeChannelStore } from './node-channel.store.js';
import { NodeFactsStore } from './facts/node-facts.store.js';
import { NodeFactsWorker } from './facts/node-facts.worker.js';
import { NodeRecoveryService } from './node-recovery.service.js';
import { NodeRegistryService } from './node-registry.service.js';
import { NodeRouterService } from './node-router.service.js';
import { NodeStore } from './node.store.js';
import { PresenceStore } from './presence.store.js';

/** The nodes of one installation: which are alive, which users have devices on which, and messages between them. */
@Module({
  providers: [
    ConnectionLookupService,
    ConnectionLookupStore,
    NodeChannelStore,
    NodeFactsStore,
    NodeFactsWorker,
    NodeRecoveryService,
    NodeRegistryService,
    NodeRouterService,
    NodeStore,
    PresenceStore,
  ],
  exports: [NodeFactsStore, ConnectionLookupService, NodeRegistryService, NodeRouterService, PresenceStore],
})
export class ClusterModule {}
