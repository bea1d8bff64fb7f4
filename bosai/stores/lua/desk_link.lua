-- Give a site a new link in place of the one it had, or none.
-- KEYS 1 links hash sha256(capability) -> record  2 hash site id -> sha256(capability)
-- ARGV 1 site id  2 sha256 of the new capability ("" = none: only end the old one)  3 its record
-- Result: 1.
local old = redis.call('HGET', KEYS[2], ARGV[1])
if old then redis.call('HDEL', KEYS[1], old) end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
return 1
