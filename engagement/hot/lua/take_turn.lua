-- One at a time. KEYS: 1 the turn. ARGV: 1 whose it is, 2 milliseconds after which it ends by itself
-- Answers 1 if it is theirs now, 0 if somebody else's.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
