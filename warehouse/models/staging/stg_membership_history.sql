{{ staged('membership_history') }}
