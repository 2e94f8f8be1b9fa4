-- Reads roll-ups in buckets.
-- $1 text  grain · $2 text  team, or '*' · $3 text  campaign, or '*' · $4 text  dimension, or 'all'
-- $5 timestamptz[]  where each bucket begins, in order · $6 timestamptz  where the last one ends · $7 boolean  grouped by kind, else by the value
-- $8 int  how many counts at most · $9 text  the kind, where {{kinds}} names it
-- {{counts}}, {{grouping}}: each row is a count, or those of one bucket are added (rollup-query.store.ts).
-- Returns, for each group, buckets (from 0) and the people and machines in each, as texts '{1,2,…}'; only what is not 0. Lists, since a row for each
-- count costs its reader ten times as much as the count.
SELECT c."group", array_agg(c.bucket)::text AS buckets, array_agg(c.people)::text AS people, array_agg(c.machines)::text AS machines
FROM (
  SELECT width_bucket(r.at, $5::timestamptz[]) - 1 AS bucket, CASE WHEN $7::boolean THEN r.kind ELSE r.value END AS "group", {{counts}}
  FROM engagement_rollup r
  WHERE r.grain = $1 AND r.team = $2 AND r.campaign = $3 AND r.dimension = $4 AND {{kinds}}
    AND r.at >= ($5::timestamptz[])[1] AND r.at < $6::timestamptz
  {{grouping}}
  LIMIT $8
) c
GROUP BY c."group"
