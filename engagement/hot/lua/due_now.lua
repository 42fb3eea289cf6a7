-- Makes ballots due now that were to be looked at later: SQL may lack again what it had.
-- KEYS: 1 due. ARGV: 1 how many at most. Answers how many there were.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local later = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'LIMIT', 0, ARGV[1])
for _, ballot in ipairs(later) do -- what is removed first can be added when memory is full
  redis.call('ZREM', KEYS[1], ballot)
  redis.call('ZADD', KEYS[1], now, ballot)
end
return #later
