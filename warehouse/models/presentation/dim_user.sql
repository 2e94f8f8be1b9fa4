{#- One row for each user who ever had a membership or a device, as they are now. -#}
{{ config(unique_key='user_id') }}
with seen as (
  select user_id, _id, _op, _key_id, _batch, 'membership' as part, status, plan_id, effective_at, null::varchar as platform, null::timestamptz as last_seen_at, '' as device_id
  from {{ sound('membership') }}
  union all
  select user_id, _id, _op, _key_id, _batch, 'device', null, null, null, platform, last_seen_at, device_id from {{ sound('device') }}
),
changed as (
  select distinct user_id from seen
  {{ since_last_run() }}
),
newest as (
  select * from seen where user_id in (select user_id from changed)
  qualify row_number() over (partition by user_id, part, device_id order by _id desc) = 1
)
select
  user_id,
  max(status) filter (part = 'membership' and _op <> 'delete') as membership_status,
  max(plan_id) filter (part = 'membership' and _op <> 'delete') as plan_id,
  max(effective_at) filter (part = 'membership' and _op <> 'delete') as member_since,
  count(*) filter (part = 'device' and _op <> 'delete') as devices,
  max(last_seen_at) filter (part = 'device' and _op <> 'delete') as last_seen_at,
  max(_key_id) as _key_id,
  max(_batch) as _batch
from newest
group by user_id
