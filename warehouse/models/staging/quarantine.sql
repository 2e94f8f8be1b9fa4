{#- What cannot be used, and why: files that are cut, lines that are no records, values that are not of their type. Nothing of it is lost: a run with `replay` reads it again. -#}
{{ config(materialized='view') }}
select id, table_name, fault, path, batch from {{ ref('stg_record') }} where fault is not null
{% for table in captured_columns(none) %}
union all
select _id, '{{ table }}', _fault, _path, _batch from {{ ref('stg_' ~ table) }} where _fault <> ''
{% endfor %}
