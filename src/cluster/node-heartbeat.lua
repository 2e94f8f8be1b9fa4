-- Records a node's heartbeat and reads which nodes are alive. Atomic, as every script.
-- KEYS[1] sorted set: node id, scored by the time of its last heartbeat in ms
-- ARGV[1] node id, or '' to read only · ARGV[2] age in ms from which on a heartbeat no longer counts; such nodes are removed
-- Returns { 1 if the node was alive before, else 0, the ids of all nodes that are alive, the time in microseconds }.
-- A 0 means that Redis lost its memory, or that the node was silent for too long: it must register its users again.
-- The time is Redis' own, so the clocks of the nodes may differ.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[1] ~= '' then redis.call('ZADD', KEYS[1], now, ARGV[1]) end
return { known and 1 or 0, redis.call('ZRANGE', KEYS[1], 0, -1), time[1] * 1000000 + time[2] }
