import { Module } from '@nestjs/common';
import { EdgeGateway } from './edge.gateway.js';
import { Edges } from './edges.service.js';
import { EdgeWatch } from './edges.worker.js';
import { EntitlementsModule } from './entitlements.module.js';

/** The sockets of edge nodes: on nodes that hold sockets. */
@Module({ imports: [EntitlementsModule], providers: [EdgeGateway, Edges, EdgeWatch] })
export class EdgeModule {}
