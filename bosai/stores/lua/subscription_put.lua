-- Write one subscriber whole, if nobody changed it since it was read. A new push part drops the one-time pairs: they
-- were made for the old keys.
-- KEYS 1 push  2 places (meta ‖ sealed places)  3 version  4 prekeys (one bucket)
-- ARGV 1 subscription id  2 meta as it was read, "" = there was none
--      3 sealed push, "" = keep  4 sealed places, "" = keep  5 new meta (as long as the one before)
-- Result: 1 written, 0 it was changed or removed meanwhile: read again.
local id = ARGV[1]
local found = redis.call('HGET', KEYS[2], id) or ''
if string.sub(found, 1, #ARGV[5]) ~= ARGV[2] then return 0 end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], id, ARGV[3])
  redis.call('HDEL', KEYS[4], id)
end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[2], id, ARGV[5] .. ARGV[4])
  redis.call('INCR', KEYS[3])
else
  redis.call('HSET', KEYS[2], id, ARGV[5] .. string.sub(found, #ARGV[5] + 1))
end
return 1
