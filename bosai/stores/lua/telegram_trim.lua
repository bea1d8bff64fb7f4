-- Let the oldest telegrams go until both bounds hold. Needed ones, and those somebody has to look at, stay; of the
-- latter the bytes go, oldest first, where nothing else is left to go: a broken source must not fill the memory.
-- KEYS[1] zset key -> number of arrival   KEYS[2] hash of rows   KEYS[3] hash of XML   KEYS[4] string: bytes of both
-- KEYS[5] set of needed keys              KEYS[6] zset of keys to be looked at
-- ARGV[1] most telegrams   ARGV[2] most bytes   ARGV[3] most that go at once
-- Result: how many went.
local rows = redis.call('ZCARD', KEYS[1])
local bytes = tonumber(redis.call('GET', KEYS[4]) or '0')
local gone, at = 0, 0
local most, most_bytes, batch = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
while (rows > most or bytes > most_bytes) and gone < batch do
  local key = redis.call('ZRANGE', KEYS[1], at, at)[1]
  if not key then
    break
  end
  if redis.call('SISMEMBER', KEYS[5], key) == 1 or redis.call('ZSCORE', KEYS[6], key) then
    at = at + 1
  else
    bytes = bytes - redis.call('HSTRLEN', KEYS[2], key) - redis.call('HSTRLEN', KEYS[3], key)
    redis.call('HDEL', KEYS[2], key)
    redis.call('HDEL', KEYS[3], key)
    redis.call('ZREM', KEYS[1], key)
    rows, gone = rows - 1, gone + 1
  end
end
local bare = 0
if bytes > most_bytes and gone < batch then
  for _, key in ipairs(redis.call('ZRANGE', KEYS[6], 0, -1)) do
    if bytes <= most_bytes then
      break
    end
    if redis.call('SISMEMBER', KEYS[5], key) == 0 then
      bytes = bytes - redis.call('HSTRLEN', KEYS[3], key)
      bare = bare + redis.call('HDEL', KEYS[3], key)
    end
  end
end
if gone + bare > 0 then
  redis.call('SET', KEYS[4], bytes)
end
return gone
