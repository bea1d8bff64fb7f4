-- Keep one CAP message, only when nothing was sent about its order since the decision was made.
-- KEYS[1] series hash alert_id -> series   KEYS[2] entries hash identifier -> entry
-- KEYS[3] xml hash identifier -> document   KEYS[4] index zset identifier -> unix ms of `sent`
-- ARGV[1] alert_id   ARGV[2] series as it was seen ("" = none)   ARGV[3] series with the message
-- ARGV[4] identifier   ARGV[5] entry   ARGV[6] document   ARGV[7] unix ms of `sent`
-- Result: "ok", or "moved" (nothing is written).
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then
  return 'moved'
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
redis.call('HSET', KEYS[3], ARGV[4], ARGV[6])
redis.call('ZADD', KEYS[4], ARGV[7], ARGV[4])
return 'ok'
