import { Module } from '@nestjs/common';
import { EdgeGateway } from './edge.gateway.js';
import { EdgeRegistryService } from './edge-registry.service.js';
import { EdgeMonitorWorker } from './edge-monitor.worker.js';
import { StreamsModule } from '../streams.module.js';

/** Serves the sockets of edge nodes; loaded on nodes that hold sockets. */
@Module({ imports: [StreamsModule], providers: [EdgeGateway, EdgeRegistryService, EdgeMonitorWorker] })
export class EdgeModule {}
