import type { IncomingMessage } from 'node:http';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Namespace, Socket } from 'socket.io';
import { hasScope } from '../../platform/auth/service-keys/service-key.js';
import { ServiceKeysService } from '../../platform/auth/service-keys/service-keys.service.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { clientAddressBehind } from '../../platform/http/client-address.js';
import { toProblem } from '../../platform/http/to-problem.js';
import { Problem } from '../../platform/http/problem.js';
import { LifecycleService } from '../../platform/lifecycle.service.js';
import { parse } from '../../platform/http/validation.js';
import type { EdgeNotice } from './edge-notice.js';
import { type EdgeConnection, EdgeRegistryService } from './edge-registry.service.js';
import { SlotRenewalService } from '../leases/slot-renewal.service.js';
import { edgeAuth, streamsPayload } from '../streams.schema.js';

/** Refused edge nodes reconnect spread over this time, so that they do not all come at once. */
const DRAIN_SPREAD_MS = 2_000;

/** An edge node's connection over Socket.IO. */
class EdgeSocket implements EdgeConnection {
  readonly since = new Date();

  constructor(
    private readonly socket: Socket,
    readonly edgeId: string,
    readonly keyId: string,
    private readonly ackMs: number,
  ) {}

  get connected(): boolean {
    return this.socket.connected;
  }

  send({ type, data }: EdgeNotice): Promise<boolean> {
    return this.socket
      .timeout(this.ackMs)
      .emitWithAck(type, data)
      .then(
        () => true,
        () => false,
      );
  }

  close(): void {
    this.socket.disconnect(true);
  }
}

/**
 * The Socket.IO namespace of edge nodes (docs/CONTRACT.md, "The edge socket"). There are few of them, so it uses plain
 * Socket.IO and not the optimised path of the device socket.
 */
@Injectable()
@WebSocketGateway({ namespace: '/edge' })
export class EdgeGateway implements OnGatewayInit<Namespace> {
  private readonly log = new Logger('edges');
  private readonly addressOf: (request: IncomingMessage) => string;

  constructor(
    private readonly edges: EdgeRegistryService,
    private readonly renewals: SlotRenewalService,
    private readonly keys: ServiceKeysService,
    private readonly lifecycle: LifecycleService,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.addressOf = clientAddressBehind(config.TRUSTED_PROXIES);
  }

  afterInit(namespace: Namespace): void {
    namespace.use((socket, next) => {
      this.authenticate(socket).then(
        () => next(),
        (error: unknown) => next(this.toConnectError(error)),
      );
    });
    namespace.on('connection', (socket) => this.register(socket));
  }

  private async authenticate(socket: Socket): Promise<void> {
    if (this.lifecycle.draining) {
      throw new Problem('draining', undefined, { retryAfterMs: Math.round(Math.random() * DRAIN_SPREAD_MS) });
    }
    const { auth } = socket.handshake;
    if (typeof auth.key !== 'string') throw new Problem('unauthorized', 'A valid service key is needed.');
    const { key, edgeId } = parse(edgeAuth, auth);
    const identity = await this.keys.identify(key, this.addressOf(socket.request));
    if (!identity) throw new Problem('unauthorized', 'A valid service key is needed.');
    if (!hasScope(identity.scopes, 'edge')) throw new Problem('forbidden', 'The key lacks the scope "edge".');
    socket.data = { edgeId, keyId: identity.id };
    // The secret must not stay in memory for as long as the socket lives.
    socket.handshake.auth = {};
  }

  private register(socket: Socket): void {
    const { edgeId, keyId } = socket.data as { edgeId: string; keyId: string };
    const connection = new EdgeSocket(socket, edgeId, keyId, this.config.ACK_TIMEOUT_SECONDS * 1_000);
    socket.once('disconnect', () => this.edges.remove(connection));
    socket.on('streams', (payload: unknown, ack: unknown) => {
      void this.findStopped(payload).then((response) => typeof ack === 'function' && void ack(response));
    });
    void this.edges.add(connection);
  }

  /** Handles the frame `streams`: returns which of the edge node's streams it must stop. */
  private async findStopped(payload: unknown): Promise<Record<string, unknown>> {
    try {
      const { streamIds } = parse(streamsPayload, payload);
      return { ok: true, stop: await this.renewals.findStopped([...new Set(streamIds)]) };
    } catch (error) {
      return { ok: false, error: this.toProblem(error).toSocketError() };
    }
  }

  private toConnectError(error: unknown): Error & { data: ReturnType<Problem['toSocketError']> } {
    const problem = this.toProblem(error);
    return Object.assign(new Error(problem.detail), { data: problem.toSocketError() });
  }

  private toProblem(error: unknown): Problem {
    const problem = toProblem(error);
    if (problem.code === 'internal') this.log.error(error);
    return problem;
  }
}
