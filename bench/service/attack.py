"""Attacks the server with 64 clients: it must not crash, must not grow, and must answer each request clearly."""

import asyncio
import collections
import json
import random
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from server import CAT, MODEL, serving

CLIENTS = 64
PICTURE = CAT.read_bytes()
#: Addresses of valid requests, each with its Accept header.
VALID = [
    ("/predict?top=3", "application/json"),
    ("/explain?method=grad-cam", "application/json"),
    ("/explain?method=grad-cam&view=heatmap", "image/png"),
    ("/explain?samples=8&seed=1", "application/json"),
]


class Run:
    """Sends requests and records what the server answers."""

    def __init__(self, url, session):
        self.url, self.session = url, session
        self.expected, self.seen, self.faults = {}, collections.Counter(), []

    def fault(self, what):
        """Records a fault of the server."""
        self.faults.append(what)

    async def send(self, kind, method, address, status=None, **more):
        """Sends a request, whose response must be a result or a clear error; returns its status and body."""
        async with self.session.request(method, self.url + address, **more) as answer:
            body = await answer.read()
        self.seen[kind, answer.status] += 1
        where = f"{kind}: {answer.status} {body[:200]}"
        if answer.status >= 400:
            if "error" not in json.loads(body):
                self.fault(f"unclear error: {where}")
            if answer.status == 429 and not answer.headers.get("Retry-After"):
                self.fault(f"no Retry-After: {where}")
        if answer.status != 429 and answer.status != (status or 200):
            self.fault(f"unexpected status: {where}")
        return answer.status, body

    async def raw(self, head, *parts, read=0):
        """Sends bytes, or waits where a part is a number of seconds; reads up to `read` bytes and disconnects."""
        to = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(to.hostname, to.port)
        try:
            writer.write(head.encode().replace(b"\n", b"\r\n") + b"\r\n\r\n")
            for part in parts:
                if isinstance(part, float):
                    await asyncio.sleep(part)
                else:
                    writer.write(part)
                    await writer.drain()
            if read:
                await asyncio.wait_for(reader.read(read), 10)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


def comparable(body):
    """Returns a body without what differs each time."""
    if body.startswith(b"{"):
        explanation = json.loads(body)
        explanation.get("record", {}).pop("milliseconds", None)
        return explanation
    return body


async def valid(run):
    """Sends a valid request."""
    address, accept = random.choice(VALID)
    # Half of them have pictures that are new to the server.
    mark = b"" if random.random() < 0.5 else random.randbytes(8)
    status, body = await run.send("valid", "POST", address, data=PICTURE + mark, headers={"Accept": accept})
    if status == 200 and comparable(body) != run.expected[address]:
        run.fault(f"the result differs under load: {address}")


async def bad_picture(run):
    """Sends a body that is not a picture, or a damaged one."""
    damaged = bytearray(PICTURE)
    for _ in range(20):
        damaged[random.randrange(len(damaged))] = random.randrange(256)
    body = random.choice([b"", b"no picture", PICTURE[:5000], random.randbytes(3000), bytes(damaged[:9000])])
    await run.send("bad picture", "POST", "/explain", 400, data=body)


async def bad_json(run):
    """Sends a body that is not the expected JSON."""
    body = random.choice([b"{", b"[]", b'{"instances": [[1, [2]]]}', b"[" * 50_000, b"\xff" * 99])
    address = random.choice([f"/v1/models/{MODEL}:explain", f"/v2/models/{MODEL}/infer"])
    await run.send("bad JSON", "POST", address, 400, data=body)


async def huge_batch(run):
    """Sends more instances than are allowed."""
    body = json.dumps({"instances": [[[[0.5]]]] * random.choice([65, 5000, 100_000])})
    await run.send("huge batch", "POST", f"/v1/models/{MODEL}:predict", 400, data=body)


async def oversized(run):
    """Sends a body that is too large."""
    await run.send("oversized", "POST", "/predict", 413, data=bytes(17_000_000))


async def unknown(run):
    """Requests an address that does not exist."""
    address = random.choice(["/nowhere", "/v2/models/other/infer", "/" + "a" * 5000, "/%ff"])
    await run.send("unknown", "POST", address, 404, data=b"x")


async def bad_option(run):
    """Sends an option with a wrong value."""
    query = random.choice(["samples=x", "layer=nowhere", "colour=red", "grid=1x1", "class=9999"])
    await run.send("bad option", "POST", f"/explain?{query}", 400, data=PICTURE)


async def truncated(run):
    """Disconnects before the body is complete."""
    head = f"POST /explain HTTP/1.1\nHost: localhost\nContent-Length: {len(PICTURE)}"
    await run.raw(head, PICTURE[: random.randrange(len(PICTURE))])


async def slow_sender(run):
    """Sends a few bytes of the body each second."""
    head = f"POST /explain HTTP/1.1\nHost: localhost\nContent-Length: {len(PICTURE)}"
    await run.raw(head, *[part for _ in range(8) for part in (PICTURE[:10], 1.0)])


async def slow_head(run):
    """Does not complete the head for seconds."""
    await run.raw("GET /about HTTP/1.1\nHost: localhost\nX: ", 3.0)


async def leaves(run):
    """Disconnects while the server explains."""
    accept = random.choice(["text/event-stream", "application/json"])
    seed = random.randrange(10**9)
    path = f"/explain?samples=200&seed={seed}"
    head = f"POST {path} HTTP/1.1\nHost: localhost\nAccept: {accept}\nContent-Length: {len(PICTURE)}"
    await run.raw(head, PICTURE, random.random())


async def slow_reader(run):
    """Does not read the response for seconds."""
    head = f"POST /explain HTTP/1.1\nHost: localhost\nAccept: image/png\nContent-Length: {len(PICTURE)}"
    await run.raw(head, PICTURE, 3.0, read=10)


async def no_http(run):
    """Sends something that is not HTTP."""
    await run.raw(random.choice(["\x16\x03\x01", "GET", "POST / HTTP/1.1\nContent-Length: -1"]), read=100)


#: How often a client chooses each action, relative to the others.
ACTIONS = {
    valid: 30, bad_picture: 5, bad_json: 5, huge_batch: 2, oversized: 2, unknown: 5, bad_option: 5,
    truncated: 5, slow_sender: 3, slow_head: 2, leaves: 5, slow_reader: 3, no_http: 3,
}  # fmt: skip


async def client(run, end):
    """Repeats random actions until the end."""
    while time.monotonic() < end:
        (action,) = random.choices(list(ACTIONS), ACTIONS.values())
        try:
            await action(run)
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            run.fault(f"{action.__name__}: {type(error).__name__}: {error}")
        await asyncio.sleep(random.random() * 0.1)


async def watch_health(run, end, waits):
    """Requests the server's health every half second and records how long it takes."""
    while time.monotonic() < end:
        started = time.monotonic()
        status, _ = await run.send("health", "GET", "/v2/health/live")
        waits.append(time.monotonic() - started)
        if status != 200 or waits[-1] > 5:
            run.fault(f"health: status {status} after {waits[-1]:.1f} s")
        await asyncio.sleep(0.5)


async def watch_memory(process, end, megabytes):
    """Records the server's memory every second."""
    while time.monotonic() < end:
        status = Path(f"/proc/{process.pid}/status").read_text()
        megabytes.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
        await asyncio.sleep(1)


async def run(seconds):
    """Attacks the server for this many seconds; returns whether faults were found."""
    random.seed(1)
    timeout = aiohttp.ClientTimeout(total=120)
    connector = aiohttp.TCPConnector(limit=0)
    with serving("--log", "none") as (process, url):
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            run = Run(url, session)
            for address, accept in VALID:
                _, body = await run.send("alone", "POST", address, data=PICTURE, headers={"Accept": accept})
                run.expected[address] = comparable(body)
            end, waits, megabytes = time.monotonic() + seconds, [], []
            watchers = [watch_health(run, end, waits), watch_memory(process, end, megabytes)]
            await asyncio.gather(*watchers, *[client(run, end) for _ in range(CLIENTS)])
            # Afterwards the server has room for all of these again, and the results are the same.
            for address, accept in VALID:
                _, body = await run.send("alone", "POST", address, data=PICTURE, headers={"Accept": accept})
                if comparable(body) != run.expected[address]:
                    run.fault(f"the result differs afterwards: {address}")
    return report(run, waits, megabytes)


def report(run, waits, megabytes):
    """Prints what was recorded; returns whether faults were found."""
    kinds = sorted({kind for kind, _ in run.seen})
    for kind in kinds:
        counts = {s: n for (k, s), n in sorted(run.seen.items()) if k == kind}
        print(f"{kind:<12} {', '.join(f'{n} x {s}' for s, n in counts.items())}")
    print(f"health: {len(waits)} responses, each within {max(waits):.2f} s")
    quarter = len(megabytes) // 4
    early, late = max(megabytes[quarter : 2 * quarter]), max(megabytes[-quarter:])
    print("memory in MB, every 5 s:", *[f"{x:.0f}" for x in megabytes[::5]])
    print(f"memory in MB: {megabytes[0]:.0f} at first, up to {early:.0f} in the second quarter, {late:.0f} in the last")
    if late > early * 1.1 + 10:
        run.fault(f"the memory grows from {early:.0f} to {late:.0f} MB")
    for fault, count in collections.Counter(run.faults).most_common(20):
        print(f"FAULT ({count} times): {fault}")
    print(f"{sum(run.seen.values())} responses, {len(run.faults)} faults")
    return len(run.faults) > 0
