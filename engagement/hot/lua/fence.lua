-- Lets one job move choices from or to an article, and forgets what was settled under another fence.
-- KEYS: 1 moving. ARGV: 1 fence
if redis.call('HGET', KEYS[1], '*') == ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1]) -- first, so that nothing is refused when memory is full
return redis.call('HSET', KEYS[1], '*', ARGV[1])
