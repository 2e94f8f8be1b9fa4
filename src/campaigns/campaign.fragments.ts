/** SQL over the tables of campaigns that other folders' statements include. Parameters are SQL expressions. */

/** For FROM: the user's campaigns for the timeline: at, ref and what (json). One for each campaign that the user is a member of. */
export const campaignSteps = (userId: string): string =>
  `SELECT coalesce(m.settled_at, m.frozen_at) AS at, 'campaign ' || m.campaign AS ref,
    json_build_object('campaign', m.campaign, 'audience', m.audience, 'state', m.state, 'reason', m.reason, 'channel', m.channel,
      'eventId', m.event_id, 'dueAt', iso(m.due_at), 'convertedAt', iso(m.converted_at)) AS what
    FROM campaign_member m WHERE m.user_id = ${userId}`;

/** A scalar (float8): for how many seconds the campaign that stands still longest does so although it could go on; null when none is due. */
export const campaignIdleSeconds = `(SELECT extract(epoch FROM now() - min(s.since))::float8 FROM (
    SELECT c.starts_at AS since FROM campaign c WHERE c.state = 'scheduled' AND c.starts_at <= now()
    UNION ALL
    SELECT greatest(c.updated_at, (SELECT max(p.advanced_at) FROM campaign_progress p WHERE p.campaign = c.name))
    FROM campaign c WHERE c.state = 'running' AND c.frozen_at IS NULL
    UNION ALL
    SELECT greatest(c.updated_at, d.due_at, (SELECT max(t.updated_at) FROM campaign_tally t WHERE t.campaign = c.name AND t.what IN ('queued', 'skipped')))
    FROM campaign c CROSS JOIN LATERAL (SELECT m.due_at FROM campaign_member m
      WHERE m.campaign = c.name AND m.state = 'pending' AND m.due_at <= now() ORDER BY m.due_at LIMIT 1) d
    WHERE c.state = 'running'
  ) s)`;

/** A scalar (int): how many campaigns workers have held up and nobody has looked at since. */
export const stoppedCampaigns = `(SELECT count(*)::int FROM campaign c WHERE c.state = 'paused' AND c.problem IS NOT NULL)`;

/** For FROM: campaign, template, user_id, channel and converted_at of members to whom the goal of their campaign happened in this time. */
export const conversions = ({ after, until }: { after: string; until: string }): string =>
  `SELECT m.campaign, c.body #>> '{template,name}' AS template, m.user_id, m.channel, m.converted_at
    FROM campaign_member m JOIN campaign c ON c.name = m.campaign WHERE m.converted_at > ${after} AND m.converted_at <= ${until}`;

/** A scalar: when the member converted that is the number `offset` of those who did after `after`; null when there are fewer. */
export const convertedAt = ({ after, offset }: { after: string; offset: string }): string =>
  `(SELECT m.converted_at FROM campaign_member m WHERE m.converted_at > ${after} ORDER BY m.converted_at OFFSET ${offset} LIMIT 1)`;

/**
 * For LATERAL: campaign and template of the campaign whose event this is; no row for any other event, and for a test of a campaign. The limit has the planner
 * begin with the events, and not with all members.
 */
export const campaignOfEvent = ({ userId, eventId }: { userId: string; eventId: string }): string =>
  `SELECT m.campaign, c.body #>> '{template,name}' AS template
    FROM campaign_member m JOIN campaign c ON c.name = m.campaign WHERE m.user_id = ${userId} AND m.event_id = ${eventId} LIMIT 1`;

/** A scalar: the name of the campaign's template. */
export const templateOfCampaign = (name: string): string =>
  `(SELECT c.body #>> '{template,name}' FROM campaign c WHERE c.name = ${name})`;

/** A condition: whether there is a campaign of this name. */
export const isCampaign = (name: string): string => `EXISTS (SELECT FROM campaign c WHERE c.name = ${name})`;
