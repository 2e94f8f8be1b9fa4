-- Counts events in the buckets of their minute, hour and day.
-- $1 bigint  the number of the last event that is counted already · $2 bigint  the number of the last one to count
-- $3 jsonb  { "<dimension> <day> <value>": true }: the values that are one too many of their day, and count as '(other)'
-- Returns nothing. An event counts for all teams and campaigns ('*'), for its team, for its campaign, and for both; in each of these for every event
-- ('all') and, but not by the minute, for each of its dimensions; '' is one that it has not. It counts for its kind and, but not by the minute, for all ('*'). A late event changes the buckets of its time. Whoever calls it
-- holds the watermark's lock, so nobody else writes these rows: that is why a row that is there is updated, and another one inserted, without ON CONFLICT,
-- which would write twice as much to the log.
-- Fragments: kind, team … country: the column of the event, folded (folding.ts).
WITH minutes AS MATERIALIZED (
  SELECT date_trunc('minute', e.at, 'UTC') AS at, {{kind}} AS kind, {{team}} AS team, {{campaign}} AS campaign, {{template}} AS template,
    {{channel}} AS channel, {{platform}} AS platform, {{country}} AS country,
    count(*) FILTER (WHERE NOT e.is_machine)::int AS people, count(*) FILTER (WHERE e.is_machine)::int AS machines
  FROM engagement_event e
  WHERE e.seq > $1 AND e.seq <= $2
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), hours AS MATERIALIZED (
  SELECT date_trunc('hour', m.at, 'UTC') AS at, m.kind, m.team, m.campaign, m.template, m.channel, m.platform, m.country,
    sum(m.people)::int AS people, sum(m.machines)::int AS machines
  FROM minutes m GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), days AS (
  SELECT date_trunc('day', h.at, 'UTC') AS at, h.kind, h.team, h.campaign, h.template, h.channel, h.platform, h.country,
    sum(h.people)::int AS people, sum(h.machines)::int AS machines
  FROM hours h GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), grouped AS MATERIALIZED (
  -- What a row is not grouped by is null in it.
  SELECT 'minute' AS grain, m.at, m.kind, m.team, m.campaign, NULL AS template, NULL AS channel, NULL AS platform, NULL AS country,
    sum(m.people) AS people, sum(m.machines) AS machines
  FROM minutes m
  GROUP BY m.at, m.kind, CUBE (m.team, m.campaign)
  UNION ALL
  SELECT b.grain, b.at, b.kind, b.team, b.campaign, b.template, b.channel, b.platform, b.country, sum(b.people), sum(b.machines)
  FROM (SELECT 'hour' AS grain, h.* FROM hours h UNION ALL SELECT 'day', y.* FROM days y) b
  GROUP BY b.grain, b.at, b.kind, CUBE (b.team, b.campaign), GROUPING SETS ((), (b.template), (b.channel), (b.platform), (b.country))
), cells AS MATERIALIZED (
  SELECT g.grain, coalesce(g.team, '*') AS team, coalesce(g.campaign, '*') AS campaign,
    CASE WHEN g.template IS NOT NULL THEN 'template' WHEN g.channel IS NOT NULL THEN 'channel' WHEN g.platform IS NOT NULL THEN 'platform'
      WHEN g.country IS NOT NULL THEN 'country' ELSE 'all' END AS dimension,
    g.at, g.kind, coalesce(g.template, g.channel, g.platform, g.country, '') AS value, g.people, g.machines
  FROM grouped g WHERE g.team IS DISTINCT FROM '' AND g.campaign IS DISTINCT FROM ''
  UNION ALL
  SELECT g.grain, coalesce(g.team, '*'), '*', 'campaign', g.at, g.kind, g.campaign, g.people, g.machines
  FROM grouped g
  WHERE g.grain <> 'minute' AND g.campaign IS NOT NULL AND g.team IS DISTINCT FROM ''
    AND num_nonnulls(g.template, g.channel, g.platform, g.country) = 0
), sorted AS (
  SELECT c.* FROM (
    SELECT k.* FROM cells k
    UNION ALL
    SELECT a.grain, a.team, a.campaign, a.dimension, a.at, '*', a.value, sum(a.people), sum(a.machines)
    FROM cells a WHERE a.grain <> 'minute' GROUP BY a.grain, a.team, a.campaign, a.dimension, a.at, a.value
  ) c
  ORDER BY c.grain COLLATE "C", c.team COLLATE "C", c.campaign COLLATE "C", c.dimension COLLATE "C", c.kind COLLATE "C", c.at, c.value COLLATE "C"
)
MERGE INTO engagement_rollup AS r USING sorted c
ON r.grain = c.grain AND r.team = c.team AND r.campaign = c.campaign AND r.dimension = c.dimension AND r.at = c.at AND r.kind = c.kind AND r.value = c.value
WHEN MATCHED THEN UPDATE SET people = r.people + c.people, machines = r.machines + c.machines, version = $2
WHEN NOT MATCHED THEN INSERT (grain, team, campaign, dimension, at, kind, value, people, machines, version)
  VALUES (c.grain, c.team, c.campaign, c.dimension, c.at, c.kind, c.value, c.people, c.machines, $2)
