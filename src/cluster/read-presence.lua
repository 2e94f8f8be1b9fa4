-- The nodes of many users, in one command: a client spends some microseconds on each command, a server a fraction of one.
-- KEYS the users' presence sets, in a cluster those of one hash tag · Out: their members, in the order of the keys.
local found = {}
for n, key in ipairs(KEYS) do found[n] = redis.call('SMEMBERS', key) end
return found
