-- The highest beat that SQL has committed, as far as workers have told. KEYS: 1 beat. ARGV: 1 a committed beat
-- Answers the highest.
local known = tonumber(redis.call('GET', KEYS[1]) or 0)
if tonumber(ARGV[1]) <= known then return known end
redis.call('UNLINK', KEYS[1]) -- first, so that the beat is not refused when memory is full
redis.call('SET', KEYS[1], ARGV[1])
return tonumber(ARGV[1])
