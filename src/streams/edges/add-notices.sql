-- Puts notices into the mailboxes of edge nodes; of one node's notices with the same key the newest stays.
-- $1 json  [{ id, edgeId, key, type, data }], each edge and key at most once
-- Out: nothing. Runs in the transaction that stops the streams: both are there, or neither is.
INSERT INTO edge_notice (edge_id, key, id, type, data)
SELECT n."edgeId", n.key, n.id, n.type, n.data
FROM json_to_recordset($1::json) AS n ("edgeId" text, key text, id uuid, type text, data json)
ORDER BY n."edgeId" COLLATE "C", n.key COLLATE "C"
ON CONFLICT (edge_id, key) DO UPDATE SET id = excluded.id, data = excluded.data, created_at = now()
