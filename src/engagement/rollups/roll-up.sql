-- Counts events in the buckets of their minute, hour and day.
-- $1 bigint  the number of the last event that is counted already · $2 bigint  the number of the last one to count
-- Returns nothing. An event counts for all teams and campaigns ('*'), for its team, for its campaign, and for both; in each of these for every event
-- ('all') and, but not by the minute, for each of its dimensions; '' is one that it has not. A late event changes the buckets of its time. Whoever calls it holds the
-- watermark's lock. Rows are written in the order of the key.
WITH minutes AS MATERIALIZED (
  SELECT date_trunc('minute', e.at, 'UTC') AS at, e.kind, coalesce(e.team, '') AS team, coalesce(e.campaign, '') AS campaign,
    coalesce(e.template, '') AS template, coalesce(e.channel, '') AS channel, coalesce(e.platform, '') AS platform,
    coalesce(e.country, '') AS country,
    count(*) FILTER (WHERE NOT e.is_machine) AS people, count(*) FILTER (WHERE e.is_machine) AS machines
  FROM engagement_event e
  WHERE e.seq > $1 AND e.seq <= $2
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), hours AS MATERIALIZED (
  SELECT date_trunc('hour', m.at, 'UTC') AS at, m.kind, m.team, m.campaign, m.template, m.channel, m.platform, m.country,
    sum(m.people) AS people, sum(m.machines) AS machines
  FROM minutes m GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), days AS (
  SELECT date_trunc('day', h.at, 'UTC') AS at, h.kind, h.team, h.campaign, h.template, h.channel, h.platform, h.country,
    sum(h.people) AS people, sum(h.machines) AS machines
  FROM hours h GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), cells AS (
  SELECT b.grain, b.at, s.team, s.campaign, d.dimension, b.kind, d.value, sum(b.people) AS people, sum(b.machines) AS machines
  FROM (
    SELECT 'minute' AS grain, m.* FROM minutes m
    UNION ALL SELECT 'hour', h.* FROM hours h
    UNION ALL SELECT 'day', y.* FROM days y
  ) b
  CROSS JOIN LATERAL (VALUES ('*', '*'), (b.team, '*'), ('*', b.campaign), (b.team, b.campaign)) AS s (team, campaign)
  CROSS JOIN LATERAL (
    VALUES ('all', ''), ('campaign', b.campaign), ('template', b.template), ('channel', b.channel), ('platform', b.platform),
      ('country', b.country)
  ) AS d (dimension, value)
  WHERE s.team <> '' AND s.campaign <> ''
    AND (d.dimension = 'all' OR b.grain <> 'minute' AND (d.dimension <> 'campaign' OR s.campaign = '*'))
  GROUP BY 1, 2, 3, 4, 5, 6, 7
)
INSERT INTO engagement_rollup AS r (grain, team, campaign, dimension, at, kind, value, people, machines, version)
SELECT c.grain, c.team, c.campaign, c.dimension, c.at, c.kind, c.value, c.people, c.machines, $2
FROM cells c
ORDER BY c.grain COLLATE "C", c.team COLLATE "C", c.campaign COLLATE "C", c.dimension COLLATE "C", c.at, c.kind COLLATE "C", c.value COLLATE "C"
ON CONFLICT (grain, team, campaign, dimension, at, kind, value) DO UPDATE SET
  people = r.people + excluded.people,
  machines = r.machines + excluded.machines,
  version = excluded.version
