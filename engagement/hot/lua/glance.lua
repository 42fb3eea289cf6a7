-- What a page shows of an article, in one call: the tally of its moods and rendered parts.
-- KEYS as for its mood ballot, then 7 pages, 8 stamp. ARGV: 1 ballot, then the parts asked for.
-- Answers {{COLD, run, policy} or {OK, tally}, stamp, part, part, ...}
local found = {live() and {'OK', tally()} or cold(), redis.call('GET', KEYS[8]) or '0'}
for _, part in ipairs(redis.call('HMGET', KEYS[7], unpack(ARGV, 2))) do found[#found + 1] = part end
return found
