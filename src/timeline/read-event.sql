-- One event of a user, with its delivery to each device.
-- $1 text user id · $2 uuid event id
-- knownEvents: known-events.sql · eventStep: event-step.sql
-- Returns at (iso), what (json); no row for an event of which nothing is known (any more).
WITH {{knownEvents}}
SELECT iso(n.at) AS at, {{eventStep}} AS what FROM event n WHERE n.id = $2
