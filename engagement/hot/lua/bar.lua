-- Lets a reader choose nothing on this shard, and who plays under the name `owner` choose for them.
-- KEYS: 1 barred. ARGV: 1 reader (16 bytes), 2 owner, 3 for how long (ms)
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local some = redis.call('HRANDFIELD', KEYS[1], 8, 'WITHVALUES') -- bars that are over go as others come
for i = 1, #some, 2 do
  if tonumber(some[i + 1]:match('^%d+')) <= now then redis.call('HDEL', KEYS[1], some[i]) end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f ', now + ARGV[3]) .. ARGV[2])
return 1
