-- A fragment, a scalar (json): the row `n` of known-events.sql, with its delivery to each device.
-- $1 text user id
-- messageOutcome: messages/queue/message.fragments.ts
-- devices, isPushAllowed: devices/device.fragments.ts · receipts: delivery/receipts/receipt.fragments.ts · pushOutcome: push/queue/push.fragments.ts
json_build_object('at', iso(n.at), 'id', n.id, 'type', n.type, 'tier', n.tier, 'key', n.key, 'offset', n."offset", 'epoch', n.epoch, 'target', n.target,
  'expiresAt', iso(n.expires_at), 'superseded', n.superseded, 'supersededBy', n.superseded_by,
  'isPushAllowed', {{isPushAllowed}}, 'message', {{messageOutcome}}, 'devices', (
    SELECT coalesce(json_agg(json_build_object('deviceId', coalesce(d.device_id, r.device_id), 'state', coalesce(r.state, 0),
      'sentAt', iso(r.sent_at), 'receivedAt', iso(r.received_at), 'appliedAt', iso(r.applied_at), 'seenAt', iso(r.seen_at),
      'registeredAt', iso(d.created_at),
      'lastSeenAt', iso(d.last_seen_at), 'pushKind', d.push_kind, 'isStale', coalesce(d.is_stale, false), 'push', {{pushOutcome}}) ORDER BY coalesce(d.device_id, r.device_id)), '[]')
    FROM ({{devices}}) d
    FULL JOIN ({{receipts}}) r ON r.device_id = d.device_id
  ))
