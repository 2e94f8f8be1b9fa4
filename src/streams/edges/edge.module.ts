import { Module } from '@nestjs/common';
import { EdgeGateway } from './edge.gateway.js';
import { EdgeRegistryService } from './edge-registry.service.js';
import { EdgeMonitorWorker } from './edge-monitor.worker.js';
import { StreamsModule } from '../streams.module.js';

/** The sockets of edge nodes: on nodes that hold sockets. */
@Module({ imports: [StreamsModule], providers: [EdgeGateway, EdgeRegistryService, EdgeMonitorWorker] })
export class EdgeModule {}
