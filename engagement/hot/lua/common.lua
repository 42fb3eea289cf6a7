-- Goes before every ballot script.
-- KEYS: 1 view (last, run, generation, open, n:<choice>), 2 choices ('@' base, '*' complete, reader -> choice),
--       3 ledger, 4 floors, 5 due, 6 policies. All carry one hash tag. ARGV: 1 ballot.

local function before(a, b) -- ids are generation-number; is a older than b
  local ag, an = a:match('^(%d+)-(%d+)$')
  local bg, bn = b:match('^(%d+)-(%d+)$')
  ag, an, bg, bn = tonumber(ag), tonumber(an), tonumber(bg), tonumber(bn)
  return ag < bg or (ag == bg and an < bn)
end

local function run() -- of this server; a restart or a fail-over is another run
  return redis.call('INFO', 'server'):match('run_id:(%x+)')
end

local function live() -- the base of a whole view of this run; what is not whole goes
  local base = redis.call('HGET', KEYS[2], '@')
  if base and redis.call('HGET', KEYS[1], 'run') == run() then return base end
  redis.call('UNLINK', KEYS[1], KEYS[2])
  return nil
end

local function cold() -- the run, and how often the ballot's policy was changed: what a hydration must know
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

local function now() -- server time, milliseconds
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
