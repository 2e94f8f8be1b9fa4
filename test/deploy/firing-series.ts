/** Series that make an alert fire, each a value of all times: `<value>x<more minutes>`, as promtool has it. */
export const FIRING: Record<string, Record<string, string>> = {
  UsherNodeDown: { 'up{job="usher",instance="a"}': '0x60' },
  UsherNoWorker: { 'up{job="usher",instance="a"}': '1x60' },
  UsherRedisAway: { 'usher_redis_in_doubt{instance="a"}': '1x60' },
  UsherLoadLevel: { 'usher_strain{instance="a"}': '2x60' },
  UsherEventLoopLag: { 'usher_nodejs_eventloop_lag_p99_seconds{instance="a"}': '0.3x60' },
  UsherOldestHandoff: { 'usher_handoffs_oldest_seconds{tier="important"}': '31x60' },
  UsherSlowDelivery: {
    'usher_delivery_seconds_bucket{stage="written",tier="critical",le="1"}': '0x60',
    'usher_delivery_seconds_bucket{stage="written",tier="critical",le="2.5"}': '0+9x60',
    'usher_delivery_seconds_bucket{stage="written",tier="critical",le="+Inf"}': '0+9x60',
  },
  UsherWebhookFailing: { 'usher_webhooks_failing_seconds{processor="stripe"}': '901x60' },
  UsherWebhookSilence: {
    'usher_webhooks_silent_seconds{processor="stripe"}': '1201x60',
    'usher_webhooks_usual_silence_seconds{processor="stripe"}': '600x60',
  },
  UsherWebhooksWaiting: { usher_webhooks_waiting: '1x60' },
  // It fails for the first time, seven minutes before: there was no such series before.
  UsherPushMisconfigured: { 'usher_push_misconfigured{vendor="apns",reason="r"}': '_x33 1x30' },
  UsherPushCircuitOpen: { 'usher_push_circuits_open{vendor="apns"}': '1x60' },
  UsherMessageMisconfigured: { 'usher_message_misconfigured{vendor="smtp",reason="r"}': '_x33 1x30' },
  UsherMessageCircuitOpen: { 'usher_message_circuits_open{vendor="smtp"}': '1x60' },
  UsherMessageLate: { 'usher_message_oldest_seconds{channel="sms",tier="critical"}': '61x60' },
  UsherMessagePrefixCapped: { 'usher_message_prefix_capped_total{prefix="+49"}': '_x33 1x30' },
  UsherDigestLate: { usher_digests_oldest_seconds: '901x60' },
  UsherCampaignStuck: { usher_campaigns_idle_seconds: '901x60', usher_campaigns_stopped: '0x60' },
  UsherPushPaused: { 'usher_push_paused{vendor="apns"}': '1x60' },
  UsherPushLate: { 'usher_push_oldest_seconds{vendor="apns",tier="critical"}': '31x60' },
  UsherSlowStatements: {
    'usher_statement_seconds_bucket{statement="append",le="0.05"}': '0x60',
    'usher_statement_seconds_bucket{statement="append",le="0.1"}': '0+9x60',
    'usher_statement_seconds_bucket{statement="append",le="+Inf"}': '0+9x60',
  },
  UsherStatementsWaiting: { 'usher_statements_waiting{lane="critical",instance="a"}': '21x60' },
  UsherPositionsUnsaved: { 'usher_unsaved_positions_oldest_seconds{instance="a"}': '61x60' },
  UsherRetentionBehind: { 'usher_retention_behind{rule="push"}': '1x400' },
  // They were there a quarter of an hour ago.
  UsherEdgeSilent: { 'usher_edges{instance="a"}': '1x25 0x35' },
  UsherRunStuck: { 'usher_recommendation_runs_idle_seconds{instance="a"}': '301x60' },
  UsherLeaseKeyOld: {
    'usher_lease_key_age_seconds{instance="a"}': '2800000x60',
    'usher_lease_key_rotation_seconds{instance="a"}': '2592000x60',
  },
  UsherClockDiffers: { 'usher_clock_difference_seconds{instance="a"}': '-3x60' },
  UsherKeysOfTokensOld: { 'usher_jwks_age_seconds{instance="a"}': '901x60' },
  UsherWarehouseBehind: { 'usher_warehouse_lag_bytes{instance="a"}': '5000000000x60' },
  UsherWarehouseSlotLost: { 'usher_warehouse_slots_lost_total{instance="a"}': '0x33 1x30' },
};

/** The same for alerts of several tiers, each of which has a bound of its own, and for those with a second cause. */
export const FIRING_FOR_OTHER_TIERS: readonly (readonly [string, Record<string, string>])[] = [
  ['UsherOldestHandoff', { 'usher_handoffs_oldest_seconds{tier="critical"}': '6x60' }],
  ['UsherMessageLate', { 'usher_message_oldest_seconds{channel="sms",tier="important"}': '901x60' }],
  ['UsherCampaignStuck', { usher_campaigns_idle_seconds: '0x60', usher_campaigns_stopped: '1x60' }],
  ['UsherPushLate', { 'usher_push_oldest_seconds{vendor="apns",tier="important"}': '901x60' }],
];
