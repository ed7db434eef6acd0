"""What Redis does in one step of its own, in Lua: nothing of another client can come between."""

from typing import Final

# KEYS: windows. ARGV: id of the request, then limit and length (ms) of each window.
# Times are Redis' own, so that the clocks of server processes do not matter. Should that clock be set back, takes of
# the time that is yet to come count as taken now: a window may be full for its length, not until the clock caught up.
# A request that is sent twice, since its answer was lost, is counted once.
# Gives: whether all had room, then for each window takes, and microseconds until one and until all are free.
TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local counts, lasts = {}, {}
local again = redis.call('ZSCORE', KEYS[1], ARGV[1])
local allowed = 1
for i, key in ipairs(KEYS) do
    local limit, length = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - length)
    local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
    if last[2] and tonumber(last[2]) > now then
        for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. string.format('%.3f', now), '+inf')) do
            redis.call('ZADD', key, now, member)
        end
    end
    counts[i] = redis.call('ZCARD', key)
    if counts[i] >= limit and not again then allowed = 0 end
end
local told = {allowed}
for i, key in ipairs(KEYS) do
    local limit, length = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    if allowed == 1 and not again then
        redis.call('ZADD', key, now, ARGV[1])
        redis.call('PEXPIRE', key, length)
        counts[i] = counts[i] + 1
    end
    local freed, empty = 0, 0
    local function left(rank)
        local found = redis.call('ZRANGE', key, rank, rank, 'WITHSCORES')
        return found[2] and (tonumber(found[2]) + length - now) * 1000 or 0
    end
    if counts[i] > 0 then empty = left(-1) end
    if limit <= 0 then freed = length * 1000
    elseif counts[i] >= limit then freed = left(counts[i] - limit) end
    told[#told + 1] = counts[i]
    told[#told + 1] = math.ceil(freed)
    told[#told + 1] = math.ceil(empty)
end
return told
"""

# KEYS: value, lease. ARGV: a token, how long the lease lasts (ms). Gives: value; or the token; or neither.
LOOK: Final = """
local value = redis.call('GET', KEYS[1])
if value then return {value, false} end
local mine = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) or redis.call('GET', KEYS[2]) == ARGV[1]
return {false, mine and ARGV[1]}
"""

# KEYS: value, lease. ARGV: token, value, how long it is kept (ms). Gives: whether the lease still held.
SETTLE: Final = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""

# KEYS: stream. ARGV: channel, how many are remembered, messages. Gives: the id of the last message.
# Ids go on from the last one even if the clock was set back; that is how streams are made.
TELL: Final = """
local id = false
for place = 3, #ARGV do
    id = redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[2], '*', 'm', ARGV[place])
    redis.call('PUBLISH', ARGV[1], id .. ' ' .. ARGV[place])
end
return id
"""
