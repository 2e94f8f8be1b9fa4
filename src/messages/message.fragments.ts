/** SQL over the table message that other folders' statements include. */

/** For FROM: channel, tier and seconds: for how long the longest due text or mail is due, for each channel and tier; no row where none is. */
export const oldestMessages = `SELECT c.channel, t.tier, extract(epoch FROM now() - o.due_at)::float8 AS seconds
    FROM (VALUES ('email'), ('sms')) AS c (channel) CROSS JOIN (VALUES ('critical'), ('important')) AS t (tier)
    CROSS JOIN LATERAL (SELECT min(m.due_at) AS due_at FROM message m
      WHERE m.channel = c.channel AND m.tier = t.tier AND m.state IN ('queued', 'sending') AND m.due_at <= now()) AS o
    WHERE o.due_at IS NOT NULL`;
