import { Inject, Injectable, Logger } from '@nestjs/common';
import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Namespace, Socket } from 'socket.io';
import { ServiceKeysService } from '../../platform/auth/service-keys/service-keys.service.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { toProblem } from '../../platform/http/to-problem.js';
import { Problem } from '../../platform/http/problem.js';
import { LifecycleService } from '../../platform/lifecycle.service.js';
import { parse } from '../../platform/http/validation.js';
import type { EdgeNotice } from './edge-notice.js';
import { type EdgeConnection, EdgeRegistryService } from './edge-registry.service.js';
import { SlotRenewalService } from '../leases/slot-renewal.service.js';
import { edgeAuth, streamsPayload } from '../streams.schema.js';

const DRAIN_SPREAD_MS = 2_000;

/** An edge node on a socket. */
class EdgeSocket implements EdgeConnection {
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

/** The door for edge nodes (CONTRACT §6). There are few of them: they use Socket.IO's own ways. */
@Injectable()
@WebSocketGateway({ namespace: '/edge' })
export class EdgeGateway implements OnGatewayInit<Namespace> {
  private readonly log = new Logger('edges');

  constructor(
    private readonly edges: EdgeRegistryService,
    private readonly renewals: SlotRenewalService,
    private readonly keys: ServiceKeysService,
    private readonly lifecycle: LifecycleService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  afterInit(namespace: Namespace): void {
    namespace.use((socket, next) => {
      this.letIn(socket).then(
        () => next(),
        (error: unknown) => next(this.refusal(error)),
      );
    });
    namespace.on('connection', (socket) => this.begin(socket));
  }

  private async letIn(socket: Socket): Promise<void> {
    if (this.lifecycle.draining) {
      throw new Problem('draining', undefined, { retryAfterMs: Math.round(Math.random() * DRAIN_SPREAD_MS) });
    }
    const { auth } = socket.handshake;
    if (typeof auth.key !== 'string') throw new Problem('unauthorized', 'A valid service key is needed.');
    const { key, edgeId } = parse(edgeAuth, auth);
    const caller = await this.keys.identify(key);
    if (!caller) throw new Problem('unauthorized', 'A valid service key is needed.');
    if (!caller.scopes.includes('edge')) throw new Problem('forbidden', 'The key lacks the scope "edge".');
    socket.data = { edgeId, keyId: caller.id };
    // The key is not kept for as long as the socket lives.
    socket.handshake.auth = {};
  }

  private begin(socket: Socket): void {
    const { edgeId, keyId } = socket.data as { edgeId: string; keyId: string };
    const line = new EdgeSocket(socket, edgeId, keyId, this.config.ACK_TIMEOUT_SECONDS * 1_000);
    socket.once('disconnect', () => this.edges.remove(line));
    socket.on('streams', (payload: unknown, ack: unknown) => {
      void this.over(payload).then((answer) => typeof ack === 'function' && void ack(answer));
    });
    void this.edges.add(line);
  }

  private async over(payload: unknown): Promise<Record<string, unknown>> {
    try {
      const { streamIds } = parse(streamsPayload, payload);
      return { ok: true, stop: await this.renewals.findStopped([...new Set(streamIds)]) };
    } catch (error) {
      return { ok: false, error: this.explain(error).toSocketError() };
    }
  }

  private refusal(error: unknown): Error & { data: ReturnType<Problem['toSocketError']> } {
    const problem = this.explain(error);
    return Object.assign(new Error(problem.detail), { data: problem.toSocketError() });
  }

  private explain(error: unknown): Problem {
    const problem = toProblem(error);
    if (problem.code === 'internal') this.log.error(error);
    return problem;
  }
}
