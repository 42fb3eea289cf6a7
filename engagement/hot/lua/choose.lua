-- One reader's choice on one ballot: the only write of a choice.
-- ARGV: 1 ballot, 2 reader, 3 choice ('' takes it back), 4 network hash [, 5 choice in SQL, 6 cursor of that read]
-- Answers {COLD, run, policy} | {UNKNOWN} | {CLOSED} | {SAME, tally} | {OK, tally}. Never reads the ledger.
local base = live()
if not base then return cold() end
local last, generation, open = unpack(redis.call('HMGET', KEYS[1], 'last', 'generation', 'open'))
if open ~= '1' then return {'CLOSED'} end
local old = redis.call('HGET', KEYS[2], ARGV[2])
if not old then
  if redis.call('HGET', KEYS[2], '*') then
    old = ''
  elseif not ARGV[6] then
    return {'UNKNOWN'}
  elseif before(ARGV[6], base) then -- SQL went back behind the view
    redis.call('UNLINK', KEYS[1], KEYS[2])
    return cold()
  else
    old = ARGV[5] -- nothing of this reader since the base
  end
end
if old == ARGV[3] then
  redis.call('HSET', KEYS[2], ARGV[2], old)
  return {'SAME', tally()}
end
local lg, ln = last:match('^(%d+)-(%d+)$')
local id = generation .. '-1'
if tonumber(lg) >= tonumber(generation) then id = string.format('%s-%.0f', lg, tonumber(ln) + 1) end
local time = now()
redis.call('XADD', KEYS[3], id, 'r', ARGV[2], 'o', old, 'n', ARGV[3], 't', time, 'w', ARGV[4])
redis.call('HSET', KEYS[1], 'last', id)
if old ~= '' then redis.call('HINCRBY', KEYS[1], 'n:' .. old, -1) end
if ARGV[3] ~= '' then redis.call('HINCRBY', KEYS[1], 'n:' .. ARGV[3], 1) end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[5], 'LT', time, ARGV[1])
return {'OK', tally()}
