-- Keep one plan record whose blocks were put before; once only.
-- KEYS 1 blocks hash  2 uses hash  3 loose zset  4 records hash  5 facts hash  6 index zset  7 bytes string
-- ARGV 1 name of the record  2 its time, unix ms  3 facts  4 sealed record  5.. digests of its blocks, each once
-- Result: list of the digests that are not there, to be put again (nothing is kept then); empty when it is kept.
if redis.call('HEXISTS', KEYS[4], ARGV[1]) == 1 then return {} end
local missing = {}
for i = 5, #ARGV do
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 0 then missing[#missing + 1] = ARGV[i] end
end
if #missing > 0 then return missing end
local bytes = #ARGV[3] + #ARGV[4]
for i = 5, #ARGV do
  if redis.call('HINCRBY', KEYS[2], ARGV[i], 1) == 1 then
    bytes = bytes + redis.call('HSTRLEN', KEYS[1], ARGV[i])
    redis.call('ZREM', KEYS[3], ARGV[i])
  end
end
redis.call('HSET', KEYS[4], ARGV[1], ARGV[4])
redis.call('HSET', KEYS[5], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[6], ARGV[2], ARGV[1])
redis.call('INCRBY', KEYS[7], bytes)
return missing
