{{ config(materialized='view') }}
{{ staged('receipt') }}
