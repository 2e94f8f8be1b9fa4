-- Each table has one owner folder in src, which alone reads and writes it.

-- One handoff for each consumer of a commit, in place of a second table for the fallback of push.
ALTER TABLE handoff ADD COLUMN consumer text NOT NULL DEFAULT 'delivery';
ALTER TABLE handoff ALTER COLUMN consumer DROP DEFAULT;
ALTER TABLE handoff DROP CONSTRAINT handoff_pkey, ADD PRIMARY KEY (id, consumer);
-- Types that are never pushed get no handoff any more, and are not filtered when it is claimed.
INSERT INTO handoff (id, consumer, tier, positions, created_at)
SELECT f.id, 'push', f.tier, pushable.positions, f.created_at
FROM fallback f
CROSS JOIN LATERAL (
  SELECT json_agg(p.position) AS positions
  FROM json_array_elements(f.positions) AS p (position)
  WHERE NOT EXISTS (
    SELECT FROM mailbox_entry e
    WHERE e.user_id = p.position ->> 0 AND e."offset" = (p.position ->> 1)::bigint
      AND e.type IN ('stream.stop', 'playback.still_watching')
  )
) pushable
WHERE pushable.positions IS NOT NULL;
DROP TABLE fallback;
DROP INDEX handoff_created_at_idx;
CREATE INDEX handoff_consumer_tier_created_at_idx ON handoff (consumer, tier, created_at);

-- The order in which fetches from processors began, under its usual name.
ALTER SEQUENCE fetch_turn RENAME TO fetch_sequence;
ALTER TABLE subscription RENAME COLUMN fetch_turn TO fetch_sequence;

-- Which entries have data of their own is now the code's matter (src/mailbox/events/derived-data.ts), and so is their JSON.
ALTER TABLE mailbox_entry DROP CONSTRAINT mailbox_entry_data_check;
DROP FUNCTION entry_json(mailbox_entry);
DROP FUNCTION entry_data(mailbox_entry);
DROP FUNCTION front_page(text, text);

-- Another push provider needs no migration.
ALTER TABLE push DROP CONSTRAINT push_vendor_check;
