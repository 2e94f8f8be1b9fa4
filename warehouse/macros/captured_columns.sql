{# The columns of each captured table with their types, as the lists in src/*/*.warehouse.ts have them. #}
{% macro captured_columns(table) %}
  {% set tables = {
    'plan': {'plan_id': 'varchar', 'name': 'varchar', 'revision': 'bigint', 'updated_at': 'timestamptz'},
    'membership': {
      'user_id': 'varchar', 'version': 'bigint', 'status': 'varchar', 'plan_id': 'varchar', 'effective_at': 'timestamptz',
      'cancel_at': 'timestamptz', 'reason': 'varchar', 'ends_at': 'timestamptz', 'updated_at': 'timestamptz'
    },
    'membership_history': {
      'user_id': 'varchar', 'version': 'bigint', 'status': 'varchar', 'plan_id': 'varchar', 'effective_at': 'timestamptz',
      'cancel_at': 'timestamptz', 'reason': 'varchar', 'processor': 'varchar', 'recorded_at': 'timestamptz'
    },
    'subscription': {
      'processor': 'varchar', 'subscription_id': 'varchar', 'user_id': 'varchar', 'status': 'varchar', 'plan_id': 'varchar',
      'effective_at': 'timestamptz', 'cancel_at': 'timestamptz', 'ended': 'boolean', 'as_of': 'timestamptz'
    },
    'playback_position': {
      'user_id': 'varchar', 'profile_id': 'varchar', 'show_id': 'varchar', 'episode_id': 'varchar', 'position_seconds': 'double',
      'duration_seconds': 'double', 'state': 'varchar', 'device_id': 'varchar', 'at': 'timestamptz'
    },
    'receipt': {
      'user_id': 'varchar', 'device_id': 'varchar', 'epoch': 'varchar', 'offset': 'bigint', 'event_id': 'varchar', 'type': 'varchar',
      'state': 'integer', 'sent_at': 'timestamptz', 'received_at': 'timestamptz', 'applied_at': 'timestamptz', 'seen_at': 'timestamptz',
      'created_at': 'timestamptz'
    },
    'push': {
      'user_id': 'varchar', 'device_id': 'varchar', 'event_id': 'varchar', 'type': 'varchar', 'tier': 'varchar', 'vendor': 'varchar',
      'action': 'varchar', 'state': 'varchar', 'reason': 'varchar', 'attempts': 'integer', 'created_at': 'timestamptz',
      'settled_at': 'timestamptz'
    },
    'message': {
      'id': 'varchar', 'user_id': 'varchar', 'channel': 'varchar', 'tier': 'varchar', 'category': 'varchar', 'state': 'varchar',
      'reason': 'varchar', 'attempts': 'integer', 'provider': 'varchar', 'parts': 'integer', 'price': 'double', 'currency': 'varchar',
      'event_id': 'varchar', 'event_type': 'varchar', 'is_fallback': 'boolean', 'created_at': 'timestamptz', 'sent_at': 'timestamptz',
      'settled_at': 'timestamptz'
    },
    'device': {
      'user_id': 'varchar', 'device_id': 'varchar', 'platform': 'varchar', 'app_version': 'varchar', 'timezone': 'varchar',
      'locale': 'varchar', 'created_at': 'timestamptz', 'last_seen_at': 'timestamptz'
    },
    'campaign': {
      'name': 'varchar', 'state': 'varchar', 'starts_at': 'timestamptz', 'expires_at': 'timestamptz', 'created_at': 'timestamptz',
      'started_at': 'timestamptz', 'frozen_at': 'timestamptz', 'ended_at': 'timestamptz', 'broadcast_id': 'varchar'
    },
    'campaign_member': {
      'campaign': 'varchar', 'user_id': 'varchar', 'state': 'varchar', 'reason': 'varchar', 'audience': 'varchar', 'channel': 'varchar',
      'event_id': 'varchar', 'frozen_at': 'timestamptz', 'settled_at': 'timestamptz', 'converted_at': 'timestamptz'
    },
    'engagement_event': {
      'user_id': 'varchar', 'id': 'varchar', 'day': 'date', 'kind': 'varchar', 'at': 'timestamptz', 'is_machine': 'boolean', 'team': 'varchar',
      'campaign': 'varchar', 'template': 'varchar', 'channel': 'varchar', 'platform': 'varchar', 'country': 'varchar',
      'received_at': 'timestamptz'
    }
  } %}
  {{ return(tables if table is none else tables[table]) }}
{% endmacro %}
