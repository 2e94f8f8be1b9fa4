{{ config(materialized='view') }}
{{ staged('device') }}
