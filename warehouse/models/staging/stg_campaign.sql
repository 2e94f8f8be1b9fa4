{{ config(materialized='view') }}
{{ staged('campaign') }}
