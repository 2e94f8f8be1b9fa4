-- Of a campaign to everyone: the broadcast as which it was published.
ALTER TABLE campaign ADD COLUMN broadcast_id uuid;
