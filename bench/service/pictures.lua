-- Posts a picture, for wrk. If MARK is set, to a new value in each run, bytes are added after the end of the PNG file, so
-- that each picture is new to the server's cache.
local file = assert(io.open(os.getenv("PICTURE"), "rb"))
local picture = file:read("*a")
file:close()

local threads = 0
function setup(thread)
    threads = threads + 1
    thread:set("id", threads)
end

local count = 0
function request()
    count = count + 1
    local mark = os.getenv("MARK") and os.getenv("MARK") .. id .. "-" .. count or ""
    return wrk.format("POST", nil, nil, picture .. mark)
end

function done(summary, latency)
    local e = summary.errors
    io.write(string.format("RESULT %d %f %d", summary.requests, summary.duration / 1e6,
        e.connect + e.read + e.write + e.status + e.timeout))
    for _, p in ipairs({50, 90, 99}) do io.write(string.format(" %f", latency:percentile(p) / 1e3)) end
    io.write("\n")
end
