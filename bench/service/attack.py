"""64 clients at once that want results, or mean no good: nothing may crash, grow, or be answered unclearly."""

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
#: What good requests ask, each with the Accept header.
QUESTIONS = [
    ("/predict?top=3", "application/json"),
    ("/explain?method=grad-cam", "application/json"),
    ("/explain?method=grad-cam&view=heatmap", "image/png"),
    ("/explain?samples=8&seed=1", "application/json"),
]


class Run:
    """What has been seen so far."""

    def __init__(self, url, session):
        self.url, self.session = url, session
        self.expected, self.seen, self.faults = {}, collections.Counter(), []

    def fault(self, what):
        self.faults.append(what)

    async def ask(self, kind, method, address, status=None, **more):
        """A request whose answer must be a result or a clear refusal."""
        async with self.session.request(method, self.url + address, **more) as answer:
            body = await answer.read()
        self.seen[kind, answer.status] += 1
        where = f"{kind}: {answer.status} {body[:200]}"
        if answer.status >= 400:
            if "error" not in json.loads(body):
                self.fault(f"no clear refusal: {where}")
            if answer.status == 429 and not answer.headers.get("Retry-After"):
                self.fault(f"no Retry-After: {where}")
        if answer.status != 429 and answer.status != (status or 200):
            self.fault(f"unexpected: {where}")
        return answer.status, body

    async def raw(self, head, *parts, read=0):
        """Sends parts as they come and leaves; reads a little before, if at all."""
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
    """An answer without what differs each time."""
    if body.startswith(b"{"):
        told = json.loads(body)
        told.get("record", {}).pop("milliseconds", None)
        return told
    return body


async def good(run):
    address, accept = random.choice(QUESTIONS)
    # Half of them are of pictures that the server has not seen.
    mark = b"" if random.random() < 0.5 else random.randbytes(8)
    status, body = await run.ask("good", "POST", address, data=PICTURE + mark, headers={"Accept": accept})
    if status == 200 and comparable(body) != run.expected[address]:
        run.fault(f"another result under load: {address}")


async def bad_picture(run):
    damaged = bytearray(PICTURE)
    for _ in range(20):
        damaged[random.randrange(len(damaged))] = random.randrange(256)
    body = random.choice([b"", b"no picture", PICTURE[:5000], random.randbytes(3000), bytes(damaged[:9000])])
    await run.ask("bad picture", "POST", "/explain", 400, data=body)


async def bad_json(run):
    body = random.choice([b"{", b"[]", b'{"instances": [[1, [2]]]}', b"[" * 50_000, b"\xff" * 99])
    address = random.choice([f"/v1/models/{MODEL}:explain", f"/v2/models/{MODEL}/infer"])
    await run.ask("bad JSON", "POST", address, 400, data=body)


async def huge_batch(run):
    body = json.dumps({"instances": [[[[0.5]]]] * random.choice([65, 5000, 100_000])})
    await run.ask("huge batch", "POST", f"/v1/models/{MODEL}:predict", 400, data=body)


async def oversized(run):
    await run.ask("oversized", "POST", "/predict", 413, data=bytes(17_000_000))


async def unknown(run):
    address = random.choice(["/nowhere", "/v2/models/other/infer", "/" + "a" * 5000, "/%ff"])
    await run.ask("unknown", "POST", address, 404, data=b"x")


async def bad_option(run):
    query = random.choice(["samples=x", "layer=nowhere", "colour=red", "grid=1x1", "class=9999"])
    await run.ask("bad option", "POST", f"/explain?{query}", 400, data=PICTURE)


async def truncated(run):
    head = f"POST /explain HTTP/1.1\nHost: a\nContent-Length: {len(PICTURE)}"
    await run.raw(head, PICTURE[: random.randrange(len(PICTURE))])


async def slow_sender(run):
    head = f"POST /explain HTTP/1.1\nHost: a\nContent-Length: {len(PICTURE)}"
    await run.raw(head, *[part for _ in range(8) for part in (PICTURE[:10], 1.0)])


async def slow_head(run):
    await run.raw("GET /about HTTP/1.1\nHost: a\nX: ", 3.0)


async def leaves(run):
    accept = random.choice(["text/event-stream", "application/json"])
    seed = random.randrange(10**9)
    head = f"POST /explain?samples=200&seed={seed} HTTP/1.1\nHost: a\nAccept: {accept}\nContent-Length: {len(PICTURE)}"
    await run.raw(head, PICTURE, random.random())


async def slow_reader(run):
    head = f"POST /explain HTTP/1.1\nHost: a\nAccept: image/png\nContent-Length: {len(PICTURE)}"
    await run.raw(head, PICTURE, 3.0, read=10)


async def no_http(run):
    await run.raw(random.choice(["\x16\x03\x01", "GET", "POST / HTTP/1.1\nContent-Length: -1"]), read=100)


#: How often each is done.
DEEDS = {
    good: 30, bad_picture: 5, bad_json: 5, huge_batch: 2, oversized: 2, unknown: 5, bad_option: 5,
    truncated: 5, slow_sender: 3, slow_head: 2, leaves: 5, slow_reader: 3, no_http: 3,
}  # fmt: skip


async def client(run, end):
    while time.monotonic() < end:
        (deed,) = random.choices(list(DEEDS), DEEDS.values())
        try:
            await deed(run)
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            run.fault(f"{deed.__name__}: {type(error).__name__}: {error}")
        await asyncio.sleep(random.random() * 0.1)


async def watch_health(run, end, waits):
    while time.monotonic() < end:
        started = time.monotonic()
        status, _ = await run.ask("health", "GET", "/v2/health/live")
        waits.append(time.monotonic() - started)
        if status != 200 or waits[-1] > 5:
            run.fault(f"health: {status} after {waits[-1]:.1f} s")
        await asyncio.sleep(0.5)


async def watch_memory(process, end, megabytes):
    while time.monotonic() < end:
        status = Path(f"/proc/{process.pid}/status").read_text()
        megabytes.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
        await asyncio.sleep(1)


async def run(seconds):
    random.seed(1)
    timeout = aiohttp.ClientTimeout(total=120)
    connector = aiohttp.TCPConnector(limit=0)
    with serving("--log", "none") as (process, url):
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            run = Run(url, session)
            for address, accept in QUESTIONS:
                _, body = await run.ask("alone", "POST", address, data=PICTURE, headers={"Accept": accept})
                run.expected[address] = comparable(body)
            end, waits, megabytes = time.monotonic() + seconds, [], []
            watchers = [watch_health(run, end, waits), watch_memory(process, end, megabytes)]
            await asyncio.gather(*watchers, *[client(run, end) for _ in range(CLIENTS)])
            # Afterwards all places are free again, and the results are what they were.
            for address, accept in QUESTIONS:
                _, body = await run.ask("alone", "POST", address, data=PICTURE, headers={"Accept": accept})
                if comparable(body) != run.expected[address]:
                    run.fault(f"another result afterwards: {address}")
    return report(run, waits, megabytes)


def report(run, waits, megabytes):
    kinds = sorted({kind for kind, _ in run.seen})
    for kind in kinds:
        told = {s: n for (k, s), n in sorted(run.seen.items()) if k == kind}
        print(f"{kind:<12} {', '.join(f'{n} x {s}' for s, n in told.items())}")
    print(f"health answered {len(waits)} times, after {max(waits):.2f} s at most")
    quarter = len(megabytes) // 4
    early, late = max(megabytes[quarter : 2 * quarter]), max(megabytes[-quarter:])
    print("memory in MB, each 5 s:", *[f"{x:.0f}" for x in megabytes[::5]])
    print(f"memory: {megabytes[0]:.0f} MB, {early:.0f} in the second quarter, {late:.0f} in the last (MB, most)")
    if late > early * 1.1 + 10:
        run.fault(f"memory grows: {early:.0f} to {late:.0f} MB")
    for fault, count in collections.Counter(run.faults).most_common(20):
        print(f"FAULT ({count} times): {fault}")
    print(f"{sum(run.seen.values())} answers, {len(run.faults)} faults")
    return len(run.faults) > 0
