-- What a page shows of an article, in one call: the tally of its moods and rendered parts.
-- KEYS as for its mood ballot, then 8 pages, 9 stamp. ARGV: 1 ballot, then the parts asked for.
-- Answers {{COLD, run, policy} or {OK, tally}, stamp, part, part, ...}
local found = {live() and {'OK', tally()} or cold(), redis.call('GET', KEYS[9]) or '0'}
for _, part in ipairs(redis.call('HMGET', KEYS[8], unpack(ARGV, 2))) do found[#found + 1] = part end
return found
