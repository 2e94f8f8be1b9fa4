-- A fragment of append-events.sql: keeps what the events of its table `placed` supersede, without the data.
-- entry: the rows that were written, with those that they replaced (past_*, null without one) · counter: the users' epochs
past AS (
  INSERT INTO past_event (user_id, epoch, "offset", id, type, tier, key, target, at, expires_at, superseded_by, bucket)
  SELECT e.user_id, c.epoch, e.past_offset, e.past_id, e.past_type, e.past_tier, e.key, e.past_target, e.past_at, e.past_expires_at,
    e.id, e.bucket
  FROM entry e JOIN counter c ON c.user_id = e.user_id WHERE e.past_id IS NOT NULL
  UNION ALL
  -- Of several events with one key in this call only the last one became an entry.
  SELECT p.user_id, p.epoch, p."offset", p.id, p.type, p.tier, p.key, p.target, p.at, p.expires_at, e.id, p.bucket
  FROM placed p JOIN entry e ON e.user_id = p.user_id AND e.key = p.key AND e.id <> p.id
  ON CONFLICT (user_id, epoch, "offset", bucket) DO NOTHING
),
