{#- One row for each version of a membership. Versions are never changed, so the newest record of one is what it was. -#}
{{ config(unique_key=['user_id', 'version']) }}
with change as (
  select * from {{ sound('membership_history') }}
  where _op <> 'delete'
    and (user_id, version) in ({{ touched(sound('membership_history'), 'user_id, version') }})
  qualify row_number() over (partition by user_id, version order by _id desc) = 1
)
select user_id, version, status, plan_id, effective_at, cancel_at, reason, processor, recorded_at, _key_id, _batch
from change
