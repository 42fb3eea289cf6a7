-- One reader's choice on one ballot: the only write of a choice.
-- ARGV: 1 ballot, 2 reader, 3 choice ('' takes it back), 4 network hash, 5 entries that the shard may hold,
--       6 '' or the job that plays this for the reader, whose bar lets it alone choose (KEYS[8]: barred), be it closed
--       [, 7 choice in SQL, 8 cursor of that read, 9 stamp of the view that asked for it; '' if nothing was read
--        [, 10 fence of the job that moves choices between articles, closed or not
--         [, 11 what is chosen, if the job is to change it: then it settles this once]]]
-- KEYS[9]: moving, there while a job moves choices from or to the article ('*' -> its fence, kind, subject and reader ->
-- how that was settled: 'own' by the reader, who chose since it began, 'moved' or 'kept' by the job).
-- Answers {BARRED} | {OVER} (the fence fell) | {COLD, run, policy} | {UNKNOWN, stamp} | {CLOSED} | {FULL}
--         | {SAME, tally [, settled]} | {OK, tally [, settled]}. Never reads the ledger.
local fence, once = ARGV[10], ARGV[11]
local mark = ARGV[1]:match('^[^:]*:[^:]*:') .. ARGV[2]
local function settle(how) -- the first word is the last
  if redis.call('EXISTS', KEYS[9]) == 1 then redis.call('HSETNX', KEYS[9], mark, how) end
end
if fence and redis.call('HGET', KEYS[9], '*') ~= fence then return {'OVER'} end
local till, owner = (redis.call('HGET', KEYS[8], ARGV[2]) or ''):match('^(%d+) (.*)$')
local barred = till and tonumber(till) > now()
if ARGV[6] == '' and barred or ARGV[6] ~= '' and not (barred and owner == ARGV[6]) then return {'BARRED'} end
local base = live()
if not base then return cold() end
local last, generation, open, stamp = unpack(redis.call('HMGET', KEYS[1], 'last', 'generation', 'open', 'stamp'))
stamp = stamp or ''
if open ~= '1' and ARGV[6] == '' and not fence then return {'CLOSED'} end
local full = tonumber(redis.call('HGET', KEYS[7], 'held') or 0) >= tonumber(ARGV[5])
if full and redis.call('ZCARD', KEYS[5]) == 0 then -- every ledger is empty: the number is wrong
  redis.call('HSET', KEYS[7], 'held', 0)
  full = false
end
local old = redis.call('HGET', KEYS[2], ARGV[2])
if not old then
  if redis.call('HGET', KEYS[2], '*') then
    old = ''
  elseif (ARGV[8] or '') == '' or ARGV[9] ~= stamp then -- what another view asked for may be of an SQL that is over
    return {full and 'FULL' or 'UNKNOWN', stamp}
  elseif before(ARGV[8], base) then -- SQL went back behind the view
    redis.call('UNLINK', KEYS[1], KEYS[2])
    return cold()
  else
    old = ARGV[7] -- nothing of this reader since the base
  end
end
if once then
  local settled = redis.call('HGET', KEYS[9], mark)
  if not settled and old ~= once then
    settled = 'kept'
    settle(settled)
  end
  if settled then return {'SAME', tally(), settled} end
end
if old == ARGV[3] or ARGV[6] ~= '' and ARGV[3] ~= '' and old ~= '' then -- what is given back replaces nothing
  redis.call('HSET', KEYS[2], ARGV[2], old)
  if not fence then settle('own') end
  return {'SAME', tally()}
end
if full then return {'FULL'} end
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
redis.call('HINCRBY', KEYS[7], 'held', 1)
if once or not fence then settle(once and 'moved' or 'own') end
return {'OK', tally(), once and 'moved'}
