-- Looks at due ballots again later. KEYS: 1 due. ARGV: 1 when (ms), then ballots
for i = 2, #ARGV do -- what is removed first can be added when memory is full
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then redis.call('ZADD', KEYS[1], ARGV[1], ARGV[i]) end
end
return 1
