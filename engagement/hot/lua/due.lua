-- What one shard has to flush. KEYS as for a ballot (the view, choices and ledger are not used).
-- ARGV: 1 how many at most. Answers {} | {run, milliseconds since the oldest was due, ballot, floor, ballot, floor, ...}
local time = now()
local due = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', time, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
if #due == 0 then return {} end
local found = {run(), time - tonumber(due[2])}
for i = 1, #due, 2 do
  found[#found + 1] = due[i]
  found[#found + 1] = redis.call('HGET', KEYS[4], due[i]) or '0-0'
end
return found
