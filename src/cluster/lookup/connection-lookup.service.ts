import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { ConnectedDevice, UserConnections } from './connected-device.js';
import { ConnectionLookupStore } from './connection-lookup.store.js';
import { encodeQuestion } from '../node-message.js';
import { NodeRegistryService } from '../node-registry.service.js';
import { NodeStore } from '../node.store.js';
import { PresenceStore } from '../presence.store.js';

/** A node answers within milliseconds; one that has not after half a second is dead or overloaded. */
const CHECKS = 25;
const CHECK_EVERY_MS = 20;

/** Asks the nodes which devices of users are connected. For people: it costs a message to each node that holds one. */
@Injectable()
export class ConnectionLookupService {
  constructor(
    private readonly registry: NodeRegistryService,
    private readonly nodes: NodeStore,
    private readonly presence: PresenceStore,
    private readonly store: ConnectionLookupStore,
  ) {}

  /** As `findAll`, of one user. */
  async find(userId: string): Promise<readonly ConnectedDevice[] | undefined> {
    return (await this.findAll([userId]))?.get(userId);
  }

  /**
   * Returns the connected devices of each of these users, the newest connection of each; each node is asked once, about all of them.
   * Undefined when that is not certain: Redis is away, or a node that holds one did not answer within half a second. Never throws.
   */
  async findAll(
    userIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly ConnectedDevice[]> | undefined> {
    const answers = await this.ask(userIds).catch(() => undefined);
    return answers && newestOfEachDevice(userIds, answers.flat());
  }

  /** Returns this node's answer and those of all others that hold a device of the users. */
  private async ask(userIds: readonly string[]): Promise<(readonly UserConnections[])[] | undefined> {
    const { others } = this.registry;
    const usersByNode = new Map<string, string[]>();
    for (const [n, nodeIds] of (await this.presence.nodesOf(userIds)).entries()) {
      if (!others || !nodeIds) return undefined;
      for (const nodeId of nodeIds) {
        if (others.has(nodeId))
          usersByNode.set(nodeId, [...(usersByNode.get(nodeId) ?? []), userIds[n] ?? '']);
      }
    }
    const local = this.registry.describeConnections(userIds);
    return usersByNode.size === 0 ? [local] : await this.askNodes(usersByNode, local);
  }

  private async askNodes(
    usersByNode: ReadonlyMap<string, readonly string[]>,
    local: readonly UserConnections[],
  ): Promise<(readonly UserConnections[])[] | undefined> {
    const questionId = randomUUID();
    await Promise.all(
      [...usersByNode].map(([nodeId, userIds]) =>
        this.nodes.send(nodeId, 'other', encodeQuestion({ userIds, questionId })),
      ),
    );
    for (let check = 0; check < CHECKS; check += 1) {
      const answers = await this.store.read(questionId);
      if (answers.length >= usersByNode.size) return [local, ...answers];
      await pause(CHECK_EVERY_MS);
    }
    return undefined;
  }
}

function newestOfEachDevice(
  userIds: readonly string[],
  found: readonly UserConnections[],
): ReadonlyMap<string, readonly ConnectedDevice[]> {
  const byUser = new Map(userIds.map((userId) => [userId, new Map<string, ConnectedDevice>()]));
  for (const { userId, devices } of found) {
    const newest = byUser.get(userId);
    for (const device of devices) {
      const known = newest?.get(device.deviceId);
      if (!known || known.since < device.since) newest?.set(device.deviceId, device);
    }
  }
  return new Map([...byUser].map(([userId, newest]) => [userId, [...newest.values()]]));
}
