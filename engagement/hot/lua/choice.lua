-- One reader's present choice, without building a view: the SQL row and the ledger after its cursor.
-- ARGV: 1 ballot, 2 reader, 3 replay limit [, 4 choice in SQL, 5 cursor of that read]
-- Answers {KNOWN, choice} | {UNKNOWN} (bring the row) | {BEHIND} (bring a fresher one) | {FLUSH} (too much to replay)
local base = live()
if base then
  local choice = redis.call('HGET', KEYS[2], ARGV[2])
  if choice then return {'KNOWN', choice} end
  if redis.call('HGET', KEYS[2], '*') then return {'KNOWN', ''} end
end
if not ARGV[5] then return {'UNKNOWN'} end
local floor = redis.call('HGET', KEYS[4], ARGV[1])
if floor and before(ARGV[5], floor) then return {'BEHIND'} end
local choice = ARGV[4]
if not base or before(ARGV[5], base) then -- no view, or one that SQL went back behind
  local entries = replay(ARGV[5], ARGV[3])
  if not entries then return {flush_first()} end
  for _, entry in ipairs(entries) do
    if entry[2][2] == ARGV[2] then choice = entry[2][6] end
  end
end
return {'KNOWN', choice}
