-- After a commit that changed a ballot's policy: its view goes, and no snapshot from before may build one.
-- KEYS: 1 view, 2 choices, 3 policies. ARGV: 1 ballot
redis.call('UNLINK', KEYS[1], KEYS[2]) -- first, so that nothing is refused when memory is full
return redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
