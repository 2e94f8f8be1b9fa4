-- Reads the nodes of many users in one command: a client spends some microseconds on each command, a server a fraction of one.
-- KEYS the users' presence sets; in a cluster those of one hash tag
-- Returns the members of each set, in the order of the keys.
local members = {}
for n, key in ipairs(KEYS) do members[n] = redis.call('SMEMBERS', key) end
return members
