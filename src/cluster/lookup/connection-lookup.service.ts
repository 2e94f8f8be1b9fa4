import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { ConnectedDevice } from './connected-device.js';
import { ConnectionLookupStore } from './connection-lookup.store.js';
import { encodeQuestion } from '../node-message.js';
import { NodeRegistryService } from '../node-registry.service.js';
import { NodeStore } from '../node.store.js';
import { PresenceStore } from '../presence.store.js';

/** A node answers within milliseconds; one that has not after half a second is dead or overloaded. */
const CHECKS = 25;
const CHECK_EVERY_MS = 20;

/** Asks the nodes which devices of a user are connected. For people: it costs a message to each node that holds one. */
@Injectable()
export class ConnectionLookupService {
  constructor(
    private readonly registry: NodeRegistryService,
    private readonly nodes: NodeStore,
    private readonly presence: PresenceStore,
    private readonly store: ConnectionLookupStore,
  ) {}

  /**
   * Returns the user's connected devices, the newest connection of each. Undefined when that is not certain: Redis is away, or a node
   * that holds one did not answer within half a second. Never throws.
   */
  async find(userId: string): Promise<readonly ConnectedDevice[] | undefined> {
    const connections = await this.ask(userId).catch(() => undefined);
    if (!connections) return undefined;
    const byDevice = new Map<string, ConnectedDevice>();
    for (const connection of connections) {
      const known = byDevice.get(connection.deviceId);
      if (!known || known.since < connection.since) byDevice.set(connection.deviceId, connection);
    }
    return [...byDevice.values()];
  }

  private async ask(userId: string): Promise<readonly ConnectedDevice[] | undefined> {
    const { others } = this.registry;
    const [nodeIds] = await this.presence.nodesOf([userId]);
    if (!others || !nodeIds) return undefined;
    const asked = nodeIds.filter((nodeId) => others.has(nodeId));
    const local = this.registry.describeConnections(userId);
    if (asked.length === 0) return local;
    const questionId = randomUUID();
    const message = encodeQuestion({ userId, questionId });
    await Promise.all(asked.map((nodeId) => this.nodes.send(nodeId, 'other', message)));
    for (let check = 0; check < CHECKS; check += 1) {
      const answers = await this.store.read(questionId);
      if (answers.length >= asked.length) return [...local, ...answers.flat()];
      await pause(CHECK_EVERY_MS);
    }
    return undefined;
  }
}
