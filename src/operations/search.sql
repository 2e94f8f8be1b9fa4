-- Where an id is found. Each part is a look at an index.
-- $1 text the id · $2 text or null  the user whose device or event it may be · $3 uuid or null  the id, if it may be an event's ·
-- $4 text[] payment processors
-- hasMailbox, hasEvent: mailbox/mailbox.fragments.ts · hasMembership, webhooksWithId, customersWithId, subscriptionsWithId, plansWithId:
-- membership/membership.fragments.ts · hasDevices, hasDevice: devices/device.fragments.ts · hasReceipts: delivery/receipts/receipt.fragments.ts ·
-- streamWithId: streams/stream.fragments.ts · hasServiceKey: platform/auth/service-keys/service-key.fragments.ts
-- Returns kind, id, "userId" (null where there is none, or none is known), processor (null where it belongs to none)
SELECT 'user' AS kind, $1::text AS id, $1::text AS "userId", NULL::text AS processor
WHERE {{hasMailbox}} OR {{hasMembership}} OR {{hasDevices}}
UNION ALL
SELECT 'device', $1, $2::text, NULL WHERE {{hasDevice}}
UNION ALL
SELECT 'event', $1, $2, NULL WHERE {{hasEvent}} OR {{hasReceipts}}
UNION ALL
SELECT 'stream', s.stream_id, s.user_id, NULL FROM ({{streamWithId}}) s
UNION ALL
SELECT 'webhook', w.event_id, w.user_id, w.processor FROM ({{webhooksWithId}}) w
UNION ALL
SELECT 'customer', c.customer_id, c.user_id, c.processor FROM ({{customersWithId}}) c
UNION ALL
SELECT 'subscription', s.subscription_id, s.user_id, s.processor FROM ({{subscriptionsWithId}}) s
UNION ALL
SELECT 'plan', p.plan_id, NULL, NULL FROM ({{plansWithId}}) p
UNION ALL
SELECT 'key', $1, NULL, NULL WHERE {{hasServiceKey}}
