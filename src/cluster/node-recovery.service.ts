import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Loop } from '../platform/scheduling/loop.js';
import { PacedWalk } from '../platform/scheduling/paced-walk.js';
import type { RecoverableNode } from './local-node.js';
import { PresenceStore } from './presence.store.js';

/** How soon work that was requested begins, and is tried again after a failure. */
const EVERY_MS = 250;
/** Users in one request to Redis (presence.store.ts). */
const REGISTRATION_SIZE = 1_000;
/** A node with 100,000 users registers them in five seconds. After a restart of Redis all nodes do so at once. */
const REGISTRATION_PAUSE_MS = 50;
/** Users in one statement to PostgreSQL: of a thousand it took up to 0.25 s on a busy machine (docs/operate/capacity.md). */
const GAP_SIZE = 200;
const GAP_PAUSE_MS = 5;
/** Of the four connections of the lane that reads mailboxes. */
const GAP_CONCURRENCY = 2;

/**
 * The bulk work of a node after messages or presence entries were lost: registers all of its users again, and fills the gaps of all of its
 * devices. In loops of its own: a heartbeat that waited for it would come too late, the others would take the node for dead, and it would
 * have to begin again.
 */
@Injectable()
export class NodeRecoveryService implements OnApplicationShutdown {
  private readonly log = new Logger('nodes');
  private node: RecoverableNode | undefined;
  private nodeId = '';
  private isRegistrationDue = false;
  private areGapsDue = false;
  private lacksUsers = false;
  private readonly registration = new PacedWalk<string>({
    run: (userIds) => this.registerConnected(userIds),
    size: REGISTRATION_SIZE,
    concurrency: 1,
    pauseMs: REGISTRATION_PAUSE_MS,
  });
  private readonly gaps = new PacedWalk<string>({
    run: async (userIds) => this.node?.fillGaps(userIds),
    size: GAP_SIZE,
    concurrency: GAP_CONCURRENCY,
    pauseMs: GAP_PAUSE_MS,
  });
  private readonly loops = [() => this.register(), () => this.fillGaps()].map(
    (run) => new Loop(EVERY_MS, run, (error) => this.log.debug(`will go on: ${String(error)}`)),
  );

  constructor(private readonly presence: PresenceStore) {}

  /** Whether presence may lack users of this node, so that the others send it nothing for them. */
  get isPresenceIncomplete(): boolean {
    return this.lacksUsers;
  }

  /** Begins to do what is requested, for this node. */
  start(nodeId: string, node: RecoverableNode): void {
    this.nodeId = nodeId;
    this.node = node;
    for (const loop of this.loops) loop.start();
  }

  /** Redis forgot the node: what was registered so far is lost, and all users are registered again, from the first. */
  restartRegistration(): void {
    this.lacksUsers = true;
    this.isRegistrationDue = false;
    this.registration.restart(this.node?.users() ?? []);
  }

  /** Redis may lack some users: all are registered again, after a registration that is under way. */
  requestRegistration(): void {
    this.lacksUsers = true;
    this.isRegistrationDue = true;
  }

  /** The entries of all users are renewed before they expire. */
  requestRenewal(): void {
    this.isRegistrationDue = true;
  }

  /** Messages may have been lost until now: every device is compared with its mailbox, after a comparison that is under way. */
  requestGapFilling(): void {
    this.areGapsDue = true;
  }

  async onApplicationShutdown(): Promise<void> {
    this.registration.stop();
    this.gaps.stop();
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }

  private async register(): Promise<void> {
    if (this.isRegistrationDue && this.registration.isDone) {
      this.isRegistrationDue = false;
      this.registration.restart(this.node?.users() ?? []);
    }
    await this.registration.proceed();
    if (this.registration.isDone && !this.isRegistrationDue) this.lacksUsers = false;
  }

  /** Those who have left meanwhile were removed from presence, and must not come back. */
  private async registerConnected(userIds: readonly string[]): Promise<void> {
    const { node } = this;
    const connected = userIds.filter((userId) => (node?.connectedDevices(userId).length ?? 0) > 0);
    await this.presence.add(this.nodeId, connected);
  }

  private async fillGaps(): Promise<void> {
    if (this.gaps.isDone) {
      if (!this.areGapsDue) return;
      this.areGapsDue = false;
      this.gaps.restart(this.node?.users() ?? []);
    }
    await this.gaps.proceed();
  }
}
