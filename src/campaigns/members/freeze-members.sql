-- Makes users members of a campaign, each once, by their ids and by their mail addresses.
-- $1 text campaign · $2 text audience in which they were found · $3 json [{ userId, addressHash? (hex), reason?, dueAt, data? }], each user once;
-- reason: why the user is skipped
-- Returns one row: members (new rows), duplicates (who were members before), addresses and unreadable (new rows that are skipped, since another member
-- has the address, or for their reason).
-- Atomic: an address is claimed with its member. Addresses are locked in their order, then members in the order of their ids, so that two slices
-- cannot deadlock; whoever finds an address claimed by a transaction that is open waits for its end.
WITH asked AS MATERIALIZED (
  SELECT r."userId" AS user_id, decode(r."addressHash", 'hex') AS address_hash, r.reason, r."dueAt" AS due_at, r.data
  FROM json_to_recordset($3::json) AS r ("userId" text COLLATE "C", "addressHash" text, reason text, "dueAt" timestamptz, data json)
), fresh AS MATERIALIZED (
  SELECT a.* FROM asked a
  WHERE NOT EXISTS (SELECT FROM campaign_member m WHERE m.campaign = $1 AND m.user_id = a.user_id)
), first AS MATERIALIZED (
  SELECT DISTINCT ON (f.address_hash) f.address_hash, f.user_id FROM fresh f
  WHERE f.address_hash IS NOT NULL ORDER BY f.address_hash, f.user_id
), claimed AS (
  INSERT INTO campaign_address (campaign, address_hash) SELECT $1, address_hash FROM first ORDER BY address_hash
  ON CONFLICT DO NOTHING RETURNING address_hash
), decided AS MATERIALIZED (
  SELECT f.user_id, f.address_hash, f.due_at, f.data, coalesce(f.reason, CASE WHEN f.address_hash IS NOT NULL AND NOT EXISTS (
      SELECT FROM claimed c JOIN first o ON o.address_hash = c.address_hash
      WHERE c.address_hash = f.address_hash AND o.user_id = f.user_id
    ) THEN 'duplicate_address' END) AS reason
  FROM fresh f
), added AS (
  INSERT INTO campaign_member (campaign, user_id, state, reason, audience, address_hash, data, due_at, settled_at, bucket)
  SELECT $1, d.user_id, CASE WHEN d.reason IS NULL THEN 'pending' ELSE 'skipped' END, d.reason, $2,
    d.address_hash, d.data, d.due_at, CASE WHEN d.reason IS NOT NULL THEN now() END, bucket_of(d.user_id)
  FROM decided d ORDER BY d.user_id
  ON CONFLICT DO NOTHING RETURNING reason
)
SELECT (SELECT count(*)::int FROM added) AS members,
  (SELECT count(*)::int FROM asked) - (SELECT count(*)::int FROM added) AS duplicates,
  (SELECT count(*)::int FROM added WHERE reason = 'duplicate_address') AS addresses,
  (SELECT count(*)::int FROM added WHERE reason = 'address_unreadable') AS unreadable
