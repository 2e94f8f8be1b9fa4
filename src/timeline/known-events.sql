-- A fragment of a WITH: the table `event`, the newest of the user's events below an offset: those in the mailbox, those that left it, and those
-- of which only receipts are left, since the nightly file keeps nothing of the events that it supersedes. Of each kind at most so many as
-- wanted are read and returned, by indexes that have the offset: however many there are behind them.
-- $1 text user id
-- entries, pastEvents: mailbox/mailbox.fragments.ts · eventsWithReceipts: delivery/receipts/receipt.fragments.ts
entry AS (
  {{entries}}
), past AS (
  {{pastEvents}}
), event AS (
  SELECT e.at, e.id, e.type, e.tier, e.key, e."offset", e.epoch, e.target, e.expires_at, false AS superseded, NULL::uuid AS superseded_by
  FROM entry e
  UNION ALL
  SELECT p.at, p.id, p.type, p.tier, p.key, p."offset", p.epoch, p.target, p.expires_at, p.superseded_by IS NOT NULL, p.superseded_by
  FROM past p
  UNION ALL
  SELECT r.at, r.event_id, r.type, NULL, NULL, r."offset", r.epoch, NULL, NULL, true, NULL
  FROM ({{eventsWithReceipts}}) r
  WHERE NOT EXISTS (SELECT FROM entry e WHERE e.id = r.event_id) AND NOT EXISTS (SELECT FROM past p WHERE p.id = r.event_id)
)
