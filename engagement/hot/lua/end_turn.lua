-- KEYS: 1 the turn. ARGV: 1 whose it is: who comes late doesn't end another's.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('UNLINK', KEYS[1]) end
return 0
