-- What a user's processors said, for the timeline.
CREATE INDEX webhook_user_id_received_at_idx ON webhook (user_id, received_at);
