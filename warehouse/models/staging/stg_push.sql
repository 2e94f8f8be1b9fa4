{{ staged('push') }}
