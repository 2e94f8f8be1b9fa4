-- A campaign to everyone is through only by being published. A node of before, which knows nothing but members, finds that it has none, and would have
-- it done with nobody told.
ALTER TABLE campaign ADD CONSTRAINT campaign_is_published_check
  CHECK (frozen_at IS NULL OR broadcast_id IS NOT NULL OR body ->> 'to' IS NULL) NOT VALID;
