-- By which the deliveries of messages that are counted are found (trackedDeliveries in messages/queue/message.fragments.ts).
CREATE INDEX CONCURRENTLY message_tracked_ended_idx ON message (coalesce(settled_at, sent_at)) WHERE tracking IS NOT NULL;
