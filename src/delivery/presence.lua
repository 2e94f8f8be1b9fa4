-- The nodes of many users, in one command: a client spends some microseconds on each command, a server a fraction of one.
-- KEYS the users' presence sets (of one server: a cluster's keys lie apart) · Out: their members, in the order of the keys.
local found = {}
for n, key in ipairs(KEYS) do found[n] = redis.call('SMEMBERS', key) end
return found
