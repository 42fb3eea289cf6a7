-- Forgets an article's rendered parts, and those that are being built now. KEYS: 1 pages, 2 stamp
-- The stamp outlives any build that may be under way (an hour is far beyond every time-out).
redis.call('UNLINK', KEYS[1]) -- first, so that nothing is refused when memory is full
redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], 3600)
return 1
