-- What there is of a ballot at one moment: its view, its floor, and its ledger after an id, added up. Changes nothing.
-- ARGV: 1 ballot, 2 after this id, 3 up to this id ('+': all there is), 4 entries at most
-- Answers {tally of a whole view or false, floor, due since or false, newest entry or false,
--          entries, last of them or false, age of the first (ms), choice, by, choice, by, ...}
local whole = redis.call('HGET', KEYS[2], '@') and redis.call('HGET', KEYS[1], 'identity') == run()
local newest = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
local entries = redis.call('XRANGE', KEYS[3], '(' .. ARGV[2], ARGV[3], 'COUNT', ARGV[4])
local found = {
  whole and tally(),
  redis.call('HGET', KEYS[4], ARGV[1]) or '0-0',
  redis.call('ZSCORE', KEYS[5], ARGV[1]),
  newest and newest[1] or false,
  #entries,
  #entries > 0 and entries[#entries][1],
  #entries > 0 and now() - tonumber(entries[1][2][8]) or 0,
}
local moved = {}
for _, entry in ipairs(entries) do
  local old, new = entry[2][4], entry[2][6]
  moved[old] = (moved[old] or 0) - 1
  moved[new] = (moved[new] or 0) + 1
end
for choice, by in pairs(moved) do
  if choice ~= '' and by ~= 0 then
    found[#found + 1] = choice
    found[#found + 1] = by
  end
end
return found
