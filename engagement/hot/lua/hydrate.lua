-- Builds a view: one SQL snapshot, and the ledger after its cursor.
-- ARGV: 1 ballot, 2 cursor, 3 run and 4 generation of the snapshot, 5 complete ('1': SQL holds no choice),
--       6 replay limit, 7 time to live (s), 8 open ('1'), 9 policy before the snapshot,
--       then choice, count, choice, count, ...
-- Answers PRESENT | RETRY (another run or policy) | BEHIND (the floor is past the cursor) | FLUSH (too much to replay, or
--         what doesn't fit: flush first) | DONE
if live() then return 'PRESENT' end
if ARGV[3] ~= run() or ARGV[9] ~= (redis.call('HGET', KEYS[6], ARGV[1]) or '0') then return 'RETRY' end
local floor = redis.call('HGET', KEYS[4], ARGV[1])
if floor and before(ARGV[2], floor) then return 'BEHIND' end
local entries = replay(ARGV[2], ARGV[6])
if not entries then return flush_first() end
local counts, chosen = {}, {}
for i = 10, #ARGV, 2 do counts[ARGV[i]] = tonumber(ARGV[i + 1]) end
for _, entry in ipairs(entries) do
  local reader, old, new = entry[2][2], entry[2][4], entry[2][6]
  counts[old] = (counts[old] or 0) - 1
  counts[new] = (counts[new] or 0) + 1
  chosen[reader] = new
end
for choice, count in pairs(counts) do -- SQL went back behind an entry's old choice: what it says is known after a flush
  if choice ~= '' and count < 0 then return flush_first() end
end
local last = #entries > 0 and entries[#entries][1] or ARGV[2]
local t = redis.call('TIME')
local stamp = t[1] .. '.' .. t[2]
local view = {'stamp', stamp, 'last', last, 'identity', ARGV[3], 'generation', ARGV[4], 'open', ARGV[8]}
-- Release 0.1, which may run beside this one for a while, looks at the server's run alone.
view[#view + 1], view[#view + 2] = 'run', redis.call('INFO', 'server'):match('run_id:(%x+)')
for choice, count in pairs(counts) do
  if choice ~= '' and count ~= 0 then
    view[#view + 1] = 'n:' .. choice
    view[#view + 1] = count
  end
end
redis.call('HSET', KEYS[1], unpack(view))
local choices = {'@', ARGV[2]}
if ARGV[5] == '1' then choices = {'@', ARGV[2], '*', '1'} end
for reader, choice in pairs(chosen) do
  choices[#choices + 1] = reader
  choices[#choices + 1] = choice
  if #choices >= 1000 then
    redis.call('HSET', KEYS[2], unpack(choices))
    choices = {}
  end
end
if #choices > 0 then redis.call('HSET', KEYS[2], unpack(choices)) end
redis.call('EXPIRE', KEYS[1], ARGV[7])
redis.call('EXPIRE', KEYS[2], ARGV[7])
return 'DONE'
