/** The tiers of CONTRACT §1, most urgent first. Each has a lane of its own from the door to the socket. */
export const TIERS = ['critical', 'important', 'routine'] as const;
export type Tier = (typeof TIERS)[number];
export type DurableTier = Exclude<Tier, 'routine'>;
