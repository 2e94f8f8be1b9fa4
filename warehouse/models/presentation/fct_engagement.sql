{#- One row for each thing that a user did. An event is never changed; rows that PostgreSQL removes because they are old stay here. -#}
{{ config(unique_key=['user_id', 'id', 'day']) }}
select user_id, id, day, kind, "at", is_machine, team, campaign, template, channel, platform, country, received_at, _key_id, _batch
from {{ sound('engagement_event') }}
where _op <> 'delete'
  and (user_id, id, day) in ({{ touched(sound('engagement_event'), 'user_id, id, day') }})
qualify row_number() over (partition by user_id, id, day order by _id desc) = 1
