-- Takes bars away that are over. KEYS: 1 barred. ARGV: readers. Answers how many went.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local gone = 0
for _, reader in ipairs(ARGV) do
  local till = (redis.call('HGET', KEYS[1], reader) or ''):match('^%d+')
  if till and tonumber(till) <= now then gone = gone + redis.call('HDEL', KEYS[1], reader) end
end
return gone
