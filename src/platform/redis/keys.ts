import calculateSlot from 'cluster-key-slot';
import type { Tier } from '../tiers.js';

/**
 * Users whose presence lies together in a cluster, and is asked for together: a thousand users are 64 questions instead of a
 * thousand. Enough for some twenty servers to share them evenly.
 */
const BUCKETS = 64;

/**
 * Every Redis key and channel, in one place. They begin with the installation's name, so that several may share a Redis. What
 * stands in braces is the hash tag: a cluster keeps the keys of one tag together.
 */
export const redisKeys = (installation: string) => {
  const prefix = `usher:${installation}`;
  return {
    /** Sorted set: nodes that hold sockets, by the Redis server's clock of their last beat in ms. */
    nodes: `${prefix}:nodes`,
    /** Set: the nodes on which the user has a device. */
    presence: (userId: string) => `${prefix}:presence:{${calculateSlot(userId) % BUCKETS}}:${userId}`,
    /** Hash: a token bucket of what may be pushed to a vendor or a device. */
    budget: (name: string) => `${prefix}:budget:{${name}}`,
    /** Sharded channel: what edge nodes must learn, for all nodes. */
    edges: `${prefix}:edges`,
    /** Sharded channel: events for devices on one node; the critical ones apart, but on the same server of a cluster. */
    channel: (nodeId: string, lane: NodeLane) => `${prefix}:node:{${nodeId}}:${lane}`,
  };
};

/** Between nodes, critical events have connections of their own. */
export const NODE_LANES = ['critical', 'other'] as const;
export type NodeLane = (typeof NODE_LANES)[number];
export const nodeLaneOf = (tier: Tier): NodeLane => (tier === 'critical' ? 'critical' : 'other');
