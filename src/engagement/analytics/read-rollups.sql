-- Reads roll-ups in buckets.
-- $1 text  grain · $2 text  team, or '*' · $3 text  campaign, or '*' · $4 text  dimension, or 'all' · $5 text  kind; null: every one
-- $6 timestamptz[]  where each bucket begins, in order · $7 timestamptz  where the last one ends · $8 boolean  grouped by kind, else by the value
-- $9 int  how many counts at most
-- Returns, for each group, its buckets (from 0) and the people and machines in each, as texts '{1,2,…}'; only what is not 0. Lists, since a row for each
-- count costs its reader ten times as much as the count.
SELECT c."group", array_agg(c.bucket)::text AS buckets, array_agg(c.people)::text AS people, array_agg(c.machines)::text AS machines
FROM (
  -- Sums of bigint are numeric, which takes several times as long; a double is exact up to 2^53.
  SELECT width_bucket(r.at, $6::timestamptz[]) - 1 AS bucket, CASE WHEN $8::boolean THEN r.kind ELSE r.value END AS "group",
    sum(r.people::float8) AS people, sum(r.machines::float8) AS machines
  FROM engagement_rollup r
  WHERE r.grain = $1 AND r.team = $2 AND r.campaign = $3 AND r.dimension = $4 AND r.at >= ($6::timestamptz[])[1] AND r.at < $7::timestamptz
    AND ($5::text IS NULL OR r.kind = $5)
  GROUP BY 1, 2
  LIMIT $9
) c
GROUP BY c."group"
