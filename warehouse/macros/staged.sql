{#
  A staging table: the rows of a captured table, typed when they come. `_fault` says which values are not of their type; such a row is in `quarantine`.
  Columns of the row begin with nothing, those of the record with `_`.
#}
{% macro staged(table) %}
  {{ config(unique_key='_id', pre_hook='{{ forget_replayed() }}', post_hook='{{ forget_erased() }}') }}
  {% set columns = captured_columns(table) %}
  select
    id as _id, op as _op, committed_at as _committed_at, key_id as _key_id, path as _path, batch as _batch,
    {% for name, type in columns.items() %}
    try_cast(content ->> '$.{{ name }}' as {{ type }}) as "{{ name }}",
    {% endfor %}
    concat_ws(', '
      {% for name, type in columns.items() if type != 'varchar' %}
      , case when content ->> '$.{{ name }}' is not null and try_cast(content ->> '$.{{ name }}' as {{ type }}) is null
          then '{{ name }} is not {{ type }}' end
      {% endfor %}
    ) as _fault
  from {{ ref('stg_record') }}
  where table_name = '{{ table }}' and content is not null
  {% if is_incremental() %}and batch > (select coalesce(max(_batch), '') from {{ this }}){% endif %}
{% endmacro %}

{# The rows of a staging table that can be used. #}
{% macro sound(table) %}(select * from {{ ref('stg_' ~ table) }} where _fault = ''){% endmacro %}

{# Takes out the records of an hour that is read again; what it has now was added to `stg_record`. #}
{% macro forget_replayed() %}
  {% set hour = env_var('USHER_WAREHOUSE_REPLAY', '') %}
  {% if is_incremental() and hour %}delete from {{ this }} where _path like '%/date={{ hour[:10] }}/hour={{ hour[11:13] }}/%'{% endif %}
{% endmacro %}

{# For the end of a statement: only records that this model has not seen; all of them at the first run. #}
{% macro since_last_run() %}
  {% if is_incremental() %}where _batch > (select coalesce(max(_batch), '') from {{ this }}){% endif %}
{% endmacro %}

{# Keys of rows that have records which this model has not seen, or all of them at the first run. #}
{% macro touched(model, columns) %}
  select distinct {{ columns }} from {{ model }}
  {{ since_last_run() }}
{% endmacro %}

{# Takes out the rows of users whose key was destroyed. #}
{% macro forget_erased() %}
  delete from {{ this }} where _key_id in (
    select _key_id from (select distinct _key_id from {{ this }} where _key_id is not null) where not usher_has_key(_key_id)
  )
{% endmacro %}

{# Schemas are named as they are, without the target's before. #}
{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or target.schema }}{% endmacro %}
