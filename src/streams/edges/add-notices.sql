-- Stores notices for edge nodes; of an edge node's notices with the same key only the newest is kept.
-- $1 json  [{ id, edgeId, key, type, data }], each edge and key at most once
-- Out: nothing. Runs in the transaction that stops the streams, so that both are committed or neither is.
INSERT INTO edge_notice (edge_id, key, id, type, data)
SELECT n."edgeId", n.key, n.id, n.type, n.data
FROM json_to_recordset($1::json) AS n ("edgeId" text, key text, id uuid, type text, data json)
ORDER BY n."edgeId" COLLATE "C", n.key COLLATE "C"
ON CONFLICT (edge_id, key) DO UPDATE SET id = excluded.id, data = excluded.data, created_at = excluded.created_at
