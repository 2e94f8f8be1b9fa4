import calculateSlot from 'cluster-key-slot';
import type { Tier } from '../tiers.js';

/**
 * In a cluster the presence keys are spread over this many hash tags. The keys of one tag are read by one command, so reading a
 * thousand users takes at most 64 commands; and 64 tags spread evenly over some twenty servers.
 */
const PRESENCE_TAGS = 64;

/**
 * Every Redis key and channel that Usher uses. All begin with the installation's name, so that several installations can share a
 * Redis. The part in braces is the hash tag: a cluster keeps the keys of one tag on one server.
 */
export const redisKeys = (installation: string) => {
  const prefix = `usher:${installation}`;
  return {
    /** Sorted set: the nodes that hold connections, by the time of their last heartbeat, in ms of the Redis server's clock. */
    nodes: `${prefix}:nodes`,
    /** Sorted set and hash: what each node says of itself, and when it said so last, in ms of the Redis server's clock. */
    factsSeen: `${prefix}:{facts}:seen`,
    facts: `${prefix}:{facts}`,
    /** Set: the nodes on which the user has a device connected. */
    presence: (userId: string) => `${prefix}:presence:{${calculateSlot(userId) % PRESENCE_TAGS}}:${userId}`,
    /** Hash: a token bucket that limits what is sent to a push provider, to one device, or to a payment processor. */
    budget: (name: string) => `${prefix}:budget:{${name}}`,
    /** Sharded channel to all nodes: notices for edge nodes. */
    edges: `${prefix}:edges`,
    /** Sharded channel to one node: events for its devices. The lanes of a node are on one server of a cluster. */
    channel: (nodeId: string, lane: NodeLane) => `${prefix}:node:{${nodeId}}:${lane}`,
    /** JSON that the console keeps under a secret: a session, a sign-in under way, a one-time link. `hash` is the secret's SHA-256. */
    secret: (kind: string, hash: string) => `${prefix}:console:${kind}:{${hash}}`,
    /** List: what nodes answered to a question about connections. It lives for seconds. */
    answers: (questionId: string) => `${prefix}:answers:{${questionId}}`,
    /** Never written. The readiness check reads it, which succeeds only while Redis can serve keys. */
    health: `${prefix}:health`,
  };
};

/** Critical events travel between nodes on connections of their own, so that others cannot delay them. */
export const NODE_LANES = ['critical', 'other'] as const;
/** One of NODE_LANES. */
export type NodeLane = (typeof NODE_LANES)[number];
/** Returns the lane between nodes that events of this tier use. */
export const nodeLaneOf = (tier: Tier): NodeLane => (tier === 'critical' ? 'critical' : 'other');
