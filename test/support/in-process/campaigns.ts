import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { CampaignsService } from '../../../src/campaigns/definitions/campaigns.service.js';
import { CampaignStartService } from '../../../src/campaigns/members/campaign-start.service.js';
import { FreezingService } from '../../../src/campaigns/members/freezing.service.js';
import { CampaignSendingService } from '../../../src/campaigns/sending/campaign-sending.service.js';
import { CampaignSendingStore } from '../../../src/campaigns/sending/campaign-sending.store.js';
import type { TestDatabase } from '../infrastructure/database.js';
import { type CampaignServer, startCampaignServer } from './campaign-server.js';
import { campaignRows } from './campaign-rows.js';

/**
 * Campaigns within the process of the test, on a real PostgreSQL, for the tests of the file: where a worker dies cannot be chosen through
 * the API. Each test begins with no campaign and nobody.
 */
export function campaignsInProcess() {
  let server: CampaignServer | undefined;
  const running = (): CampaignServer => {
    if (!server) throw new Error('the server is started before the first test');
    return server;
  };
  beforeAll(async () => {
    server = await startCampaignServer();
  });
  afterAll(() => running().stop());
  beforeEach(() => running().clear());
  const query: TestDatabase['query'] = (text, values) => running().postgres.query(text, values);
  const get = <Service>(type: Type<Service>): Service => running().module.get(type);
  return {
    query,
    get,
    /** Workers die at their statement number `at` of each transaction from now on, or at the commit that would follow. */
    dieAt: (at: number | 'commit' | undefined): void => {
      running().database.dyingAt = at;
    },
    ...campaignRows(query),
    ...workOf(get),
    ...resultsIn(query, get),
  };
}

type Get = <Service>(type: Type<Service>) => Service;

/** What workers do of themselves, once each, to the end. */
function workOf(get: Get) {
  const start = async () => {
    const starts = get(CampaignStartService);
    for (const { name } of await starts.due(10)) await starts.start(name);
  };
  return {
    start,
    async freeze() {
      await start();
      const freezing = get(FreezingService);
      for (const { name } of await freezing.campaigns()) while (await freezing.freezeSlice(name));
      await freezing.markFrozen();
    },
    async send(limit = 100) {
      const store = get(CampaignSendingStore);
      for (const one of await store.running())
        while ((await get(CampaignSendingService).sendSlice(one, limit)).length > 0);
      await store.finish('done');
    },
  };
}

/** What became of campaigns and of people. */
function resultsIn(query: TestDatabase['query'], get: Get) {
  const membersOf = (name: string) =>
    query<{ user_id: string; state: string; reason: string | null; channel: string | null }>(
      'SELECT user_id, state, reason, channel FROM campaign_member WHERE campaign = $1 ORDER BY user_id',
      [name],
    );
  return {
    membersOf,
    /** Why each member was skipped, or by which channel they are told; else their state. */
    becameOf: async (name: string) =>
      Object.fromEntries(
        (await membersOf(name)).map((one) => [one.user_id, one.reason ?? one.channel ?? one.state]),
      ),
    eventsOf: (userId: string) =>
      query<{ data: Record<string, unknown> }>(
        `SELECT data FROM mailbox_entry WHERE user_id = $1 AND type = 'campaign.message'`,
        [userId],
      ),
    stateOf: async (name: string) =>
      (await query<{ state: string }>('SELECT state FROM campaign WHERE name = $1', [name]))[0]?.state,
    /** How far a campaign is that workers have stopped, why, and what the audit says of it. */
    endOf: async (name: string) =>
      (
        await query(
          `SELECT c.state, c.problem, (SELECT a.action FROM audit_entry a WHERE a.target_id = c.name AND a.actor_kind = 'worker' ORDER BY a.at DESC LIMIT 1) AS audited
           FROM campaign c WHERE c.name = $1`,
          [name],
        )
      )[0],
    countsOf: async (name: string) => (await get(CampaignsService).describe(name)).counts,
  };
}
