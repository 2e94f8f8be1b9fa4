-- Notes the names that events count by, and finds those that are one too many of their day.
-- $1 bigint  the number of the last event that is counted already · $2 bigint  the number of the last one to count
-- $3 jsonb  { dimension: how many names a day may have }
-- Returns key: '<dimension> <day> <value>' of each that does not fit, and its dimension. Whoever calls it holds the watermark's lock.
WITH given AS MATERIALIZED (
  SELECT e.day, CASE WHEN e.kind IS NOT NULL THEN 'kind' WHEN e.team IS NOT NULL THEN 'team' WHEN e.campaign IS NOT NULL THEN 'campaign'
      WHEN e.template IS NOT NULL THEN 'template' WHEN e.channel IS NOT NULL THEN 'channel' WHEN e.platform IS NOT NULL THEN 'platform'
      ELSE 'country' END AS dimension,
    coalesce(e.kind, e.team, e.campaign, e.template, e.channel, e.platform, e.country) AS value
  FROM (
    SELECT x.day, x.kind, x.team, x.campaign, x.template, x.channel, x.platform, x.country
    FROM (
      SELECT (v.at AT TIME ZONE 'UTC')::date AS day, v.kind, v.team, v.campaign, v.template, v.channel, v.platform, v.country
      FROM engagement_event v WHERE v.seq > $1 AND v.seq <= $2
    ) x
    GROUP BY x.day, GROUPING SETS ((x.kind), (x.team), (x.campaign), (x.template), (x.channel), (x.platform), (x.country))
  ) e
), new AS MATERIALIZED (
  SELECT g.*, row_number() OVER (PARTITION BY g.dimension, g.day ORDER BY g.value COLLATE "C") AS place
  FROM given g
  WHERE g.value <> '(other)' AND g.value <> ''
    AND NOT EXISTS (SELECT FROM engagement_value v WHERE v.dimension = g.dimension AND v.value = g.value AND v.day = g.day)
), known AS MATERIALIZED (
  SELECT d.dimension, d.day, (SELECT count(*) FROM engagement_value v WHERE v.day = d.day AND v.dimension = d.dimension) AS count
  FROM (SELECT DISTINCT n.dimension, n.day FROM new n) d
), placed AS MATERIALIZED (
  SELECT n.dimension, n.day, n.value, k.count + n.place <= ($3::jsonb ->> n.dimension)::int AS fits
  FROM new n JOIN known k USING (dimension, day)
), added AS (
  INSERT INTO engagement_value (dimension, value, day) SELECT p.dimension, p.value, p.day FROM placed p WHERE p.fits
)
SELECT p.dimension, concat_ws(' ', p.dimension, p.day, p.value) AS key FROM placed p WHERE NOT p.fits
