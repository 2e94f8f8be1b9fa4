-- The last look before a message goes to a provider: may it?
-- $1 text id · $2 int  its claim · $3 bytea[] hashes of the address, the present one first · $4 text provider · $5 text route
-- $6 int  parts · $7 float8 price · $8 text currency · $9 int  how many messages the provider makes of it
-- Returns a row if it may be sent. None: the address wants no such messages, or another worker has the message, or it ended.
UPDATE message m SET provider = $4, route = $5, parts = $6, price = $7, currency = $8, provider_messages = $9, attempts = m.attempts + 1,
  address_hash = ($3::bytea[])[1]
WHERE m.id = $1 AND m.state = 'sending' AND m.claims = $2
  AND NOT EXISTS (
    SELECT FROM message_opt_out o
    WHERE o.channel = m.channel AND o.address_hash = ANY ($3)
      AND (o.category = '*' OR (o.category = m.category AND m.tier <> 'critical'))
  )
RETURNING 1
