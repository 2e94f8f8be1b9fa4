{{ config(materialized='view') }}
{{ staged('membership') }}
