-- After the commit of a flush: trims what SQL has and is old enough.
-- ARGV: 1 ballot, 2 committed cursor, 3 milliseconds that a flushed entry stays, 4 entries to look at,
--       5 entries that the shard may hold, 6 the cursor before this flush, 7 the run that was flushed
-- Answers how many entries went; as many as it looks at: there may be more.
if ARGV[7] ~= run() then return 0 end -- ids of another run are not these
local keep = tonumber(ARGV[3])
-- Where room is short, what SQL has goes at once. (No ballot is called '': this adds nothing, but is refused when memory is full.)
local held = tonumber(redis.call('HGET', KEYS[7], 'held') or 0)
local probe = redis.pcall('ZADD', KEYS[5], 'XX', 0, '')
if held * 2 > tonumber(ARGV[5]) or (type(probe) == 'table' and probe.err) then keep = 0 end
redis.call('ZREM', KEYS[5], ARGV[1]) -- the first write: never refused, and so are none of the following
local time = now()
local limit = time - keep
-- What waited for long before it was stored stays as long after it: `bound` is the id up to which all may go till then.
local late = 'late:' .. ARGV[1]
local till, bound = (redis.call('HGET', KEYS[7], late) or ''):match('^(%d+) (.+)$')
if till and (tonumber(till) <= time or keep == 0) then
  redis.call('HDEL', KEYS[7], late)
  till, bound = nil, nil
end
local first = redis.call('XRANGE', KEYS[3], '(' .. ARGV[6], ARGV[2], 'COUNT', 1)[1]
if keep > 0 and first and tonumber(first[2][8]) <= limit then
  till, bound = time + keep, bound or ARGV[6]
  redis.call('HSET', KEYS[7], late, string.format('%.0f %s', till, bound))
end
local trim, kept
local gone = 0
local oldest = redis.call('XRANGE', KEYS[3], '-', ARGV[2], 'COUNT', 1)[1] -- most often young, and that is all
local flushed = oldest and tonumber(oldest[2][8]) <= limit and redis.call('XRANGE', KEYS[3], '-', ARGV[2], 'COUNT', ARGV[4])
for _, entry in ipairs(flushed or { oldest }) do
  kept = tonumber(entry[2][8])
  if kept > limit then break end
  if bound and before(bound, entry[1]) then
    kept = till - keep
    break
  end
  trim = entry[1]
end
if trim then
  gone = redis.call('XTRIM', KEYS[3], 'MINID', trim) + redis.call('XDEL', KEYS[3], trim)
  redis.call('HINCRBY', KEYS[7], 'held', -gone)
  local floor = redis.call('HGET', KEYS[4], ARGV[1])
  if not floor or before(floor, trim) then redis.call('HSET', KEYS[4], ARGV[1], trim) end
end
local last = redis.call('HGET', KEYS[1], 'last')
if last and before(last, ARGV[2]) then redis.call('UNLINK', KEYS[1], KEYS[2]) end -- SQL has overtaken the view
local waiting = redis.call('XRANGE', KEYS[3], '(' .. ARGV[2], '+', 'COUNT', 1)
if #waiting > 0 then
  redis.call('ZADD', KEYS[5], waiting[1][2][8], ARGV[1]) -- due since its oldest entry that SQL doesn't have
elseif redis.call('XLEN', KEYS[3]) > 0 then
  redis.call('ZADD', KEYS[5], kept + keep, ARGV[1]) -- all flushed: due when the oldest may go
elseif redis.call('ZCARD', KEYS[5]) == 0 then
  redis.call('HSET', KEYS[7], 'held', 0) -- every ledger of the shard is empty: whatever went wrong is mended
end
return gone
