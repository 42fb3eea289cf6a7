-- Builds a view: one SQL snapshot, and the ledger after its cursor.
-- ARGV: 1 ballot, 2 cursor, 3 run and 4 generation of the snapshot, 5 complete ('1': SQL holds no choice),
--       6 replay limit, 7 time to live (s), 8 open ('1'), 9 policy before the snapshot,
--       then choice, count, choice, count, ...
-- Answers PRESENT | RETRY (another run or policy) | BEHIND (the floor is past the cursor) | FLUSH (too much to replay) | DONE
if live() then return 'PRESENT' end
if ARGV[3] ~= run() or ARGV[9] ~= (redis.call('HGET', KEYS[6], ARGV[1]) or '0') then return 'RETRY' end
local floor = redis.call('HGET', KEYS[4], ARGV[1])
if floor and before(ARGV[2], floor) then return 'BEHIND' end
local replay = redis.call('XRANGE', KEYS[3], '(' .. ARGV[2], '+', 'COUNT', ARGV[6] + 1)
if #replay > tonumber(ARGV[6]) then return 'FLUSH' end
local last = ARGV[2]
if #replay > 0 then last = replay[#replay][1] end
redis.call('HSET', KEYS[1], 'last', last, 'run', ARGV[3], 'generation', ARGV[4], 'open', ARGV[8])
redis.call('HSET', KEYS[2], '@', ARGV[2])
if ARGV[5] == '1' then redis.call('HSET', KEYS[2], '*', '1') end
for i = 10, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], 'n:' .. ARGV[i], ARGV[i + 1]) end
for _, entry in ipairs(replay) do
  local reader, old, new = entry[2][2], entry[2][4], entry[2][6]
  if old ~= '' then redis.call('HINCRBY', KEYS[1], 'n:' .. old, -1) end
  if new ~= '' then redis.call('HINCRBY', KEYS[1], 'n:' .. new, 1) end
  redis.call('HSET', KEYS[2], reader, new)
end
redis.call('EXPIRE', KEYS[1], ARGV[7])
redis.call('EXPIRE', KEYS[2], ARGV[7])
return 'DONE'
