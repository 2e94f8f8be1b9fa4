import { Module } from '@nestjs/common';
import { EdgeGateway } from './edge.gateway.js';
import { EdgeRegistryService } from './edge-registry.service.js';
import { EdgeMonitorWorker } from './edge-monitor.worker.js';
import { EntitlementsModule } from '../../entitlements/entitlements.module.js';

/** The sockets of edge nodes: on nodes that hold sockets. */
@Module({ imports: [EntitlementsModule], providers: [EdgeGateway, EdgeRegistryService, EdgeMonitorWorker] })
export class EdgeModule {}
