{#-
  What became of each thing that was sent: `live` and `push` by event and device, `sms` and `email` by message. Rows that PostgreSQL removes
  because they are old stay here.
-#}
{{ config(unique_key=['channel', 'user_id', 'delivery_id']) }}
with live as (
  select
    'live' as channel, user_id, event_id || '/' || device_id as delivery_id, event_id, device_id, type,
    case state when 1 then 'sent' when 2 then 'received' when 3 then 'applied' when 4 then 'seen' end as outcome,
    null::varchar as reason, created_at, coalesce(seen_at, applied_at, received_at, sent_at) as settled_at,
    _id, _key_id, _batch
  from {{ sound('receipt') }} where _op <> 'delete'
),
push as (
  select
    'push' as channel, user_id, event_id || '/' || device_id as delivery_id, event_id, device_id, type,
    state as outcome, reason, created_at, settled_at, _id, _key_id, _batch
  from {{ sound('push') }} where _op <> 'delete'
),
message as (
  select
    channel, user_id, id as delivery_id, event_id, null::varchar as device_id, coalesce(event_type, category) as type,
    state as outcome, reason, created_at, coalesce(settled_at, sent_at) as settled_at, _id, _key_id, _batch
  from {{ sound('message') }} where _op <> 'delete'
),
delivery as (
  select * from live union all select * from push union all select * from message
)
select * exclude (_id) from delivery
where (channel, user_id, delivery_id) in (
  select (channel, user_id, delivery_id) from delivery
  {{ since_last_run() }}
)
qualify row_number() over (partition by channel, user_id, delivery_id order by _id desc) = 1
