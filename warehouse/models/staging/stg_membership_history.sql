{{ config(materialized='view') }}
{{ staged('membership_history') }}
