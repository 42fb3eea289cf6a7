-- Keeps rendered parts of an article's page, unless it changed since they were read from SQL.
-- KEYS: 1 pages, 2 stamp. ARGV: 1 stamp before the read, 2 time to live (s), then field, value, field, value, ...
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then return 0 end
local fresh = redis.call('EXISTS', KEYS[1]) == 0
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if fresh then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 1
