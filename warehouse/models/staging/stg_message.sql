{{ staged('message') }}
