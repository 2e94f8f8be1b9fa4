-- What a user's digest would collect now. Writes nothing.
-- $1 text user id · $2 text digest · $3 timestamptz now · $4 int how many events it shows · $5 json { types, categories }
-- lastOffset, collected: mailbox/mailbox.fragments.ts
-- Returns one row as collect-digests.sql.
SELECT a."userId", h.head, c.events, c."isCounted", c.items
FROM (
  SELECT $1::text AS "userId", r.types, r.categories FROM json_to_record($5::json) AS r (types text[], categories text[])
) a
LEFT JOIN digest_plan p ON p.user_id = a."userId" AND p.digest = $2
CROSS JOIN LATERAL (SELECT greatest({{lastOffset}}, p.after_offset, 0) AS head) h
CROSS JOIN LATERAL ({{collected}}) c
