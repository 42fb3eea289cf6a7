-- Is the reader's bar in, and this owner's? Then it holds for longer. KEYS and ARGV as of bar. Answers 1 or 0.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local till, owner = (redis.call('HGET', KEYS[1], ARGV[1]) or ''):match('^(%d+) (.*)$')
if owner ~= ARGV[2] or tonumber(till) <= now then return 0 end
if till - now < ARGV[3] / 2 then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f ', now + ARGV[3]) .. owner)
end
return 1
