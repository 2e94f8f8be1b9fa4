{{ staged('plan') }}
