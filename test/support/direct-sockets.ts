import { test } from '@jest/globals';

/**
 * A test of what nodes keep only by the insides of Socket.IO, Engine.IO and ws (SOCKETS=direct, the default). With `USHER_SOCKETS=stock` it must fail:
 * so the suite names what the public ways cannot keep, and says when they can. Listed in docs/decisions/frames-made-once.md.
 */
export const testOfDirectSockets = process.env.USHER_SOCKETS === 'stock' ? test.failing : test;
