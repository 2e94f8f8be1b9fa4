-- One event of a user, with its delivery to each device.
-- $1 text user id · $2 uuid event id
-- offsetByReceipts: delivery/receipts/receipt.fragments.ts · offsetOfEvent: mailbox/mailbox.fragments.ts, where it says what that may read ·
-- knownEvents: known-events.sql, of this offset · eventStep: event-step.sql
-- Returns what (json); no row for an event of which nothing is known (any more).
WITH found AS (
  SELECT coalesce({{offsetByReceipts}}, {{offsetOfEvent}}) AS "offset"
), {{knownEvents}}
SELECT {{eventStep}} AS what FROM event n WHERE n.id = $2
