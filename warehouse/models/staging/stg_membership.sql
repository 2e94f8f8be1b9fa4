{{ staged('membership') }}
