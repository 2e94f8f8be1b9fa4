-- Hours and days are also kept for all kinds together ('*'): a question without a kind read six times as many rows as it told of. And the kind comes
-- before the time in the key, so that what is read of one kind follows each other.
INSERT INTO engagement_rollup (grain, team, campaign, dimension, at, kind, value, people, machines, version)
SELECT grain, team, campaign, dimension, at, '*', value, sum(people), sum(machines), max(version)
FROM engagement_rollup
WHERE grain <> 'minute'
GROUP BY grain, team, campaign, dimension, at, value;

ALTER TABLE engagement_rollup
  DROP CONSTRAINT engagement_rollup_pkey,
  ADD CONSTRAINT engagement_rollup_pkey PRIMARY KEY (grain, team, campaign, dimension, kind, at, value);
