-- The nightly file writes each front page once: the mailbox entry that says it is there has no data of its own.

-- `data` of an entry without its own: the first titles of the front page as it stands. Page and entry are written in one commit
-- (src/recommendations/night.sql), so they are always of one version. What a device that is awake is sent is made in
-- src/recommendations/ready.ts; both say the same.
CREATE FUNCTION front_page(page_user text, page_profile text) RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
  RETURN (
    SELECT json_build_object('profileId', r.profile_id, 'version', r.version, 'items', (
      SELECT coalesce(json_agg(title.value ORDER BY title.n), '[]')
      FROM json_array_elements(r.items) WITH ORDINALITY AS title (value, n)
      WHERE title.n <= 20
    ), 'url', '/v1/me/recommendations/' || replace(r.profile_id, ':', '%3A'))
    FROM recommendation r
    WHERE r.user_id = page_user AND r.profile_id = page_profile
  );

CREATE FUNCTION entry_data(e mailbox_entry) RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(e.data, front_page(e.user_id, e.profile_id));

CREATE OR REPLACE FUNCTION entry_json(e mailbox_entry) RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
  RETURN json_build_object('id', e.id, 'type', e.type, 'tier', e.tier, 'key', e.key, 'offset', e."offset", 'at', iso(e.at),
    'expiresAt', iso(e.expires_at), 'profileId', e.profile_id, 'target', e.target, 'data', entry_data(e));

ALTER TABLE mailbox_entry ALTER COLUMN data DROP NOT NULL;
ALTER TABLE mailbox_entry ADD CONSTRAINT mailbox_entry_data_check
  CHECK (data IS NOT NULL OR (type = 'recommendations.ready' AND profile_id IS NOT NULL));

-- Most events never expire, and were in this index all the same.
DROP INDEX mailbox_entry_expires_at_idx;
CREATE INDEX mailbox_entry_expires_at_idx ON mailbox_entry (expires_at) WHERE expires_at IS NOT NULL;
