{#- Every record of the raw zone once, by its id. Of a user without a key there is no content. What is no record is in `quarantine`. -#}
{{ config(
  incremental_strategy='append',
  pre_hook="{% set hour = env_var('USHER_WAREHOUSE_REPLAY', '') %}{% if is_incremental() and hour %}delete from {{ this }} where path like '%/date={{ hour[:10] }}/hour={{ hour[11:13] }}/%'{% endif %}",
  post_hook="update {{ this }} set content = null, is_erased = true where key_id in (select key_id from (select distinct key_id from {{ this }} where content is not null and key_id is not null) where not usher_has_key(key_id))"
) }}
with new_file as (
  select file as path from glob('{{ env_var("USHER_WAREHOUSE_RAW", "raw-zone") }}/*/date=*/hour=*/*.ndjson.gz')
  {% if is_incremental() %}where file not in (select path from {{ this }} where path is not null){% endif %}
),
line as (
  select path, unnest(usher_lines(path)) as text from new_file
),
parsed as (
  select path, text, case when json_valid(text) then text::json end as record from line
),
named as (
  select
    path,
    text,
    record ->> '$.id' as id,
    record ->> '$.table' as table_name,
    record ->> '$.op' as op,
    record ->> '$.lsn' as lsn,
    try_cast(record ->> '$.committed_at' as timestamptz) as committed_at,
    try_cast(record ->> '$.xid' as bigint) as xid,
    record ->> '$.schema' as schema_version,
    record ->> '$.producer' as producer,
    record ->> '$.file' as file,
    try_cast(record ->> '$.n' as integer) as n,
    record ->> '$.key_id' as key_id,
    record ->> '$.sealed' as sealed,
    (record -> '$.row')::varchar as plain
  from parsed
),
opened as (
  select
    * exclude (plain, sealed),
    coalesce(plain, case when sealed is not null then usher_unseal(key_id, sealed) end) as content,
    key_id is not null and not usher_has_key(key_id) as is_erased,
    sealed is not null as is_sealed
  from named
),
judged as (
  select
    *,
    case
      when id is null or table_name is null or op is null or committed_at is null then 'is no record'
      when is_sealed and not is_erased and content is null then 'cannot be decrypted with its key'
      when content is not null and not json_valid(content) then 'has a row that is no JSON'
    end as fault
  from opened
)
select
  id, table_name, op, lsn, committed_at, xid, schema_version, producer, file, n, key_id, is_erased,
  case when fault is null then content end as content,
  fault,
  case when fault is not null and id is null then left(text, 200) end as text,
  path,
  '{{ run_started_at.strftime("%Y-%m-%dT%H:%M:%S.%f") }}' as batch
from judged
{% if is_incremental() %}where id is null or id not in (select id from {{ this }} where id is not null){% endif %}
qualify id is null or row_number() over (partition by id order by path, n) = 1
