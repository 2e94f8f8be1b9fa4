{#-
  What a profile watched of a show on a day (UTC). Between two saved positions of one episode lies as much playing as the position moved on, and
  not more than the time that passed: a jump forward is not watched. All days of a profile's show are made anew when one of its records is new.
  A snapshot may tell once more of a position that was captured before.
-#}
{{ config(unique_key=['user_id', 'profile_id', 'show_id']) }}
with position as (
  select * from {{ sound('playback_position') }}
  where _op <> 'delete'
    and (user_id, profile_id, show_id) in ({{ touched(sound('playback_position'), 'user_id, profile_id, show_id') }})
),
step as (
  select
    *,
    lag("at") over by_time as last_at,
    lag(position_seconds) over by_time as last_position,
    lag(episode_id) over by_time as last_episode
  from position
  window by_time as (partition by user_id, profile_id, show_id order by _id)
)
select
  user_id,
  profile_id,
  show_id,
  ("at" at time zone 'UTC')::date as day,
  count(*) filter (_op <> 'snapshot' or "at" is distinct from last_at) as positions,
  round(sum(case when episode_id is not distinct from last_episode
    then greatest(0, least(position_seconds - last_position, date_diff('millisecond', last_at, "at") / 1000.0)) else 0 end), 1) as seconds_watched,
  count(distinct device_id) as devices,
  max(_key_id) as _key_id,
  max(_batch) as _batch
from step
group by user_id, profile_id, show_id, day
