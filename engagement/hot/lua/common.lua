-- Goes before every ballot script.
-- KEYS: 1 view (last, identity, generation, open, stamp, n:<choice>), 2 choices ('@' base, '*' complete, reader -> choice),
--       3 ledger, 4 floors, 5 due, 6 policies, 7 shard (epoch, held). All carry one hash tag. ARGV: 1 ballot.
-- When memory is full, Redis refuses the first write of a script if it may take memory, else none of its writes.

local function before(a, b) -- ids are generation-number; is a older than b
  local ag, an = a:match('^(%d+)-(%d+)$')
  local bg, bn = b:match('^(%d+)-(%d+)$')
  ag, an, bg, bn = tonumber(ag), tonumber(an), tonumber(bg), tonumber(bn)
  return ag < bg or (ag == bg and an < bn)
end

-- The run of this server and of its data. The id of its replication history is another one after a restart and after a
-- promotion (which may lose a tail, be it back to a server that was the primary before); the epoch goes with a FLUSHALL.
local function run()
  local history = redis.call('INFO', 'replication'):match('master_replid:(%x+)')
  return history .. ':' .. (redis.call('HGET', KEYS[7], 'epoch') or '')
end

local function live() -- the base of a whole view of this run; what is not whole goes
  local base = redis.call('HGET', KEYS[2], '@')
  if base and redis.call('HGET', KEYS[1], 'identity') == run() then return base end
  if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then redis.call('UNLINK', KEYS[1], KEYS[2]) end
  return nil
end

local function cold() -- the run, and how often the ballot's policy was changed: what a hydration must know
  if redis.call('HEXISTS', KEYS[7], 'epoch') == 0 then
    local t = redis.call('TIME')
    redis.call('HSET', KEYS[7], 'epoch', t[1] .. '.' .. t[2])
  end
  return {'COLD', run(), redis.call('HGET', KEYS[6], ARGV[1]) or '0'}
end

local function tally() -- choice, count, choice, count, ...
  local flat, fields = {}, redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    if fields[i]:sub(1, 2) == 'n:' and fields[i + 1] ~= '0' then
      flat[#flat + 1] = fields[i]:sub(3)
      flat[#flat + 1] = tonumber(fields[i + 1])
    end
  end
  return flat
end

local function replay(cursor, limit) -- the ledger after the cursor; nil if that is more than may be read at once
  limit = tonumber(limit)
  local newest = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
  if not newest or not before(cursor, newest[1]) then return {} end
  -- Numbers have no gaps within a generation: this many entries there are at least.
  local ng, nn = newest[1]:match('^(%d+)-(%d+)$')
  local cg, cn = cursor:match('^(%d+)-(%d+)$')
  if nn - (ng == cg and cn or 0) > limit then return nil end
  local entries = redis.call('XRANGE', KEYS[3], '(' .. cursor, '+', 'COUNT', limit + 1)
  if #entries > limit then return nil end
  return entries
end

local function now() -- server time, milliseconds
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function flush_first() -- the ballot can't be told before its ledger is stored: be that soon
  redis.pcall('ZADD', KEYS[5], 'XX', 'LT', now(), ARGV[1])
  return 'FLUSH'
end
