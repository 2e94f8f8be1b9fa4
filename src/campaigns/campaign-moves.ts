/** How far a campaign can be. */
export const CAMPAIGN_STATES = [
  'draft',
  'approved',
  'scheduled',
  'running',
  'paused',
  'done',
  'aborted',
] as const;
/** One of CAMPAIGN_STATES. */
export type CampaignState = (typeof CAMPAIGN_STATES)[number];

type Moves = Readonly<Partial<Record<CampaignState, CampaignState>>>;

/**
 * The one table of what may be done with a campaign: by each act, from which state to which. `put` replaces what it says, and what was approved is a
 * draft again. Workers `start` and `finish`, `refuse` to start one that cannot begin, and `halt` one that cannot go on; the rest people do.
 */
export const CAMPAIGN_MOVES = {
  put: { draft: 'draft', approved: 'draft' },
  approve: { draft: 'approved' },
  schedule: { approved: 'scheduled' },
  start: { scheduled: 'running' },
  refuse: { scheduled: 'approved' },
  pause: { running: 'paused' },
  halt: { running: 'paused' },
  resume: { paused: 'running' },
  finish: { running: 'done' },
  abort: {
    draft: 'aborted',
    approved: 'aborted',
    scheduled: 'aborted',
    running: 'aborted',
    paused: 'aborted',
  },
} as const satisfies Record<string, Moves>;
/** One of the acts of CAMPAIGN_MOVES. */
export type CampaignAct = keyof typeof CAMPAIGN_MOVES;

/** What people may do with a campaign, besides writing it. */
export type CampaignAction = Exclude<CampaignAct, 'put' | 'start' | 'refuse' | 'halt' | 'finish'>;

/** Returns the state that the act leads to; undefined when it is not allowed in this state. */
export const stateAfter = (act: CampaignAct, state: CampaignState): CampaignState | undefined =>
  (CAMPAIGN_MOVES[act] as Moves)[state];
