/**
 * How urgent an event is, most urgent first. Each tier has a lane of its own (queue, connections to PostgreSQL) from the call
 * to the socket, so that a flood in one delays no other.
 */
export const TIERS = ['critical', 'important', 'routine'] as const;
/** One of TIERS. */
export type Tier = (typeof TIERS)[number];
/** Events of these tiers are stored in the mailbox; routine ones are not. */
export type DurableTier = Exclude<Tier, 'routine'>;
