-- Lets the reader choose again, if the bar is this owner's. KEYS: 1 barred. ARGV: 1 reader, 2 owner
local _, owner = (redis.call('HGET', KEYS[1], ARGV[1]) or ''):match('^(%d+) (.*)$')
if owner == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1
