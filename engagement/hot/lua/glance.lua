-- What a page shows of an article, in one call: the tally of its moods and rendered parts.
-- KEYS: 1 view, 2 choices of the mood ballot, 3 pages, 4 stamp. ARGV: the parts asked for.
-- Answers {run if the view is cold, else '', tally, stamp, part, part, ...}
local found = {'', {}, redis.call('GET', KEYS[4]) or '0'}
if live() then found[2] = tally() else found[1] = run() end
for i, part in ipairs(redis.call('HMGET', KEYS[3], unpack(ARGV))) do found[3 + i] = part end
return found
