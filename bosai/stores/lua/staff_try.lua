-- Count one sign-in try before it is made, so that tries made at the same time cannot pass the limit together.
-- KEYS[i] counter "tries:until_ms" of what is limited (the name, or name and client where they know each other; the client)
-- ARGV[1] now, unix ms   ARGV[2] window and lock-out, ms   ARGV[2+i] limit of KEYS[i]
-- Result: 0 = go on (each counter went up by one), or the ms to wait (no counter moved).
local now, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local function read(key)
  local stored = redis.call('GET', key)
  if stored then
    local tries, till = string.match(stored, '^(%d+):(%d+)$')
    tries, till = tonumber(tries), tonumber(till)
    if till > now then
      return tries, till
    end
  end
  return 0, now + window
end
for i = 1, #KEYS do
  local tries, till = read(KEYS[i])
  if tries >= tonumber(ARGV[2 + i]) then
    return till - now
  end
end
for i = 1, #KEYS do
  local tries, till = read(KEYS[i])
  tries = tries + 1
  if tries >= tonumber(ARGV[2 + i]) then
    till = now + window  -- the lock-out runs from the last try
  end
  redis.call('SET', KEYS[i], string.format('%d:%.0f', tries, till), 'PX', math.max(window, till - now))
end
return 0
