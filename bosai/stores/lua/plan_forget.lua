-- Forget one plan record, and the blocks that no other record has.
-- KEYS 1 blocks hash  2 uses hash  3 loose zset  4 records hash  5 facts hash  6 index zset  7 bytes string
-- ARGV 1 name of the record  2.. digests of its blocks, each once, as its facts name them
-- Result: bytes that became free; 0 when there is no such record.
local record, facts = redis.call('HGET', KEYS[4], ARGV[1]), redis.call('HGET', KEYS[5], ARGV[1])
redis.call('ZREM', KEYS[6], ARGV[1])
if not record or not facts then return 0 end
local bytes = #record + #facts
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
for i = 2, #ARGV do
  if redis.call('HINCRBY', KEYS[2], ARGV[i], -1) <= 0 then
    bytes = bytes + redis.call('HSTRLEN', KEYS[1], ARGV[i])
    redis.call('HDEL', KEYS[2], ARGV[i])
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
redis.call('DECRBY', KEYS[7], bytes)
return bytes
