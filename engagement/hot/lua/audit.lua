-- A ballot's view and its ledger after a cursor, as they are at one moment.
-- ARGV: 1 ballot, 2 cursor, 3 entries at most. Answers {COLD} | {BEHIND} (trimmed past the cursor) | {OK, tally, entries}
if not live() then return {'COLD'} end
local floor = redis.call('HGET', KEYS[4], ARGV[1])
if floor and before(ARGV[2], floor) then return {'BEHIND'} end
return {'OK', tally(), redis.call('XRANGE', KEYS[3], '(' .. ARGV[2], '+', 'COUNT', ARGV[3])}
