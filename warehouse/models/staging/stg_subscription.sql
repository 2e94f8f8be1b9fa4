{{ staged('subscription') }}
