-- Part of a statement: removes the claims of devices to addresses that they no longer have.
-- released: a query with the columns user_id, device_id and address, which is null where there was none
-- A claim that is locked is skipped. Whoever locks it registers the address, and takes it over; waiting for that transaction, which waits for
-- devices, could deadlock. If it is rolled back, a claim without a device is left. That does no harm, since a device loses an address only if
-- it has it, and goes with the user.
DELETE FROM push_address WHERE hash IN (
  SELECT c.hash
  FROM {{released}} x
  JOIN push_address c ON c.hash = push_address_hash(x.address) AND c.user_id = x.user_id AND c.device_id = x.device_id
  FOR UPDATE OF c SKIP LOCKED
)
