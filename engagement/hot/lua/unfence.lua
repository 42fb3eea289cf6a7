-- Takes a fence away, with all that was settled under it. KEYS: 1 moving. ARGV: 1 fence
if redis.call('HGET', KEYS[1], '*') ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])
