-- A part of a walk over what one shard has to flush, now or later. KEYS as for a ballot (most are not used).
-- ARGV: 1 where to go on ('0': the beginning), 2 about how many
-- Answers {run, where to go on in this run ('0': there is no more), ballot, ballot, ...}
local found = redis.call('ZSCAN', KEYS[5], ARGV[1], 'COUNT', ARGV[2])
local part = {run(), found[1]}
for i = 1, #found[2], 2 do part[#part + 1] = found[2][i] end
return part
