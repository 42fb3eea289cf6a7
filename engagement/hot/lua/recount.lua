-- Counts again what a shard holds. KEYS: 1 shard, 2 due, then the ledgers of the ballots. ARGV: all ballots that are due
-- Answers {before, after}, or {} if others are due by now. Every ballot with a ledger is due.
if redis.call('ZCARD', KEYS[2]) ~= #ARGV then return {} end
local held = 0
for i, ballot in ipairs(ARGV) do
  if not redis.call('ZSCORE', KEYS[2], ballot) then return {} end
  held = held + redis.call('XLEN', KEYS[i + 2])
end
local was = tonumber(redis.call('HGET', KEYS[1], 'held') or 0)
if was ~= held then redis.call('HSET', KEYS[1], 'held', held) end
return {was, held}
