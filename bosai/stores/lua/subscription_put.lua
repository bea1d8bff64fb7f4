-- Write one subscriber whole, if nobody changed it since it was read.
-- KEYS 1 push  2 places  3 meta  4 version (one bucket)
-- ARGV 1 subscription id  2 meta as it was read, "" = there was none
--      3 sealed push, "" = keep  4 sealed places, "" = keep  5 new meta
-- Result: 1 written, 0 it was changed or removed meanwhile: read again.
local id = ARGV[1]
local found = redis.call('HGET', KEYS[3], id) or ''
if found ~= ARGV[2] then return 0 end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], id, ARGV[3]) end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[2], id, ARGV[4])
  redis.call('INCR', KEYS[4])
end
redis.call('HSET', KEYS[3], id, ARGV[5])
return 1
