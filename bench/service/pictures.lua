-- Posts a picture: with MARK, which each run has another of, it is another one each time to the server (bytes after
-- a PNG's end are not looked at).
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
