-- Somebody has read the newest instruction on a page, though no message of it may have come.
-- KEYS 1 deliveries (one bucket)
-- ARGV 1 member  2 seq that was read
-- Result: 1 noted, 0 known already or another stands there.
--include delivery_line
local member = ARGV[1]
local seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause = parse(redis.call('HGET', KEYS[1], member))
if seq ~= ARGV[2] or heard ~= '0' then return 0 end
redis.call('HSET', KEYS[1], member, line_of(seq, stage, at, attempts, bytes, answer, claimed, '1', alert, cause))
return 1
