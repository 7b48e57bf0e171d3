"""What the clients of the attack do: half of it is valid."""

import asyncio
import base64
import json
import random

from pictures import black_floats, npy

from requesting import comparable
from server import CAT, MODEL

PICTURE = CAT.read_bytes()
#: Addresses of valid requests, each with its Accept header.
VALID = [
    ("/predict?top=3", "application/json"),
    ("/explain?method=grad-cam", "application/json"),
    ("/explain?method=grad-cam&view=heatmap", "image/png"),
    ("/explain?samples=8&seed=1", "application/json"),
]
PICTURE64 = base64.b64encode(PICTURE).decode()
TIFFS = {side: black_floats(side) for side in (64, 7000)}
#: Batches of pictures, what is done with them, and the status.
BATCHES = [
    (action, status, json.dumps({"instances": [{"b64": PICTURE64}] * count, "options": options}))
    for action, status, count, options in [
        ("predict", 200, 8, {}),
        ("explain", 400, 40, {"feature_maps": 4096, "class": [f"#{c}" for c in range(64)]}),
    ]
]


async def valid(client):
    """Sends a valid request."""
    address, accept = random.choice(VALID)
    # Half of them have pictures that are new to the server.
    mark = b"" if random.random() < 0.5 else random.randbytes(8)
    status, body = await client.send("valid", "POST", address, data=PICTURE + mark, headers={"Accept": accept})
    if status == 200 and comparable(body) != client.record.expected[address]:
        client.fault(f"the result differs under load: {address}")


async def bad_picture(client):
    """Sends a body that is not a picture, or a damaged one."""
    damaged = bytearray(PICTURE)
    for _ in range(20):
        damaged[random.randrange(len(damaged))] = random.randrange(256)
    body = random.choice([b"", b"no picture", PICTURE[:5000], random.randbytes(3000), bytes(damaged[:9000])])
    await client.send("bad picture", "POST", "/explain", 400, data=body)


async def bad_json(client):
    """Sends a body that is not the expected JSON."""
    body = random.choice([b"{", b"[]", b'{"instances": [[1, [2]]]}', b"[" * 50_000, b"\xff" * 99])
    address = random.choice([f"/v1/models/{MODEL}:explain", f"/v2/models/{MODEL}/infer"])
    await client.send("bad JSON", "POST", address, 400, data=body)


async def huge_batch(client):
    """Sends more instances than are allowed."""
    body = json.dumps({"instances": [[[[0.5]]]] * random.choice([65, 5000, 100_000])})
    await client.send("huge batch", "POST", f"/v1/models/{MODEL}:predict", 400, data=body)


async def oversized(client):
    """Sends a body that is too large."""
    await client.send("oversized", "POST", "/predict", 413, data=bytes(17_000_000))


async def unknown(client):
    """Requests an address that does not exist."""
    address = random.choice(["/nowhere", "/v2/models/other/infer", "/" + "a" * 5000, "/%ff"])
    await client.send("unknown", "POST", address, 404, data=b"x")


async def bad_option(client):
    """Sends an option with a wrong value."""
    query = random.choice(["samples=x", "layer=nowhere", "colour=red", "grid=1x1", "class=9999"])
    await client.send("bad option", "POST", f"/explain?{query}", 400, data=PICTURE)


async def truncated(client):
    """Disconnects before the body is complete."""
    head = f"POST /explain HTTP/1.1\nHost: localhost\nContent-Length: {len(PICTURE)}"
    await client.raw(head, PICTURE[: random.randrange(len(PICTURE))])


async def slow_sender(client):
    """Sends a few bytes of the body each second."""
    head = f"POST /explain HTTP/1.1\nHost: localhost\nContent-Length: {len(PICTURE)}"
    await client.raw(head, *[part for _ in range(8) for part in (PICTURE[:10], 1.0)])


async def slow_head(client):
    """Does not complete the head for seconds."""
    await client.raw("GET /about HTTP/1.1\nHost: localhost\nX: ", 3.0)


async def leaves(client):
    """Disconnects while the server explains."""
    accept = random.choice(["text/event-stream", "application/json"])
    seed = random.randrange(10**9)
    path = f"/explain?samples=200&seed={seed}"
    head = f"POST {path} HTTP/1.1\nHost: localhost\nAccept: {accept}\nContent-Length: {len(PICTURE)}"
    await client.raw(head, PICTURE, random.random())


async def slow_reader(client):
    """Does not read the response for seconds."""
    head = f"POST /explain HTTP/1.1\nHost: localhost\nAccept: image/png\nContent-Length: {len(PICTURE)}"
    await client.raw(head, PICTURE, 3.0, read=10)


async def no_http(client):
    """Sends something that is not HTTP."""
    await client.raw(random.choice(["\x16\x03\x01", "GET", "POST / HTTP/1.1\nContent-Length: -1"]), read=100)


async def hostile_array(client):
    """Sends an array whose header claims what is not there."""
    header = random.choice(
        [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000000)}",
            "{'descr': " + "(" * 3000 + "'<f4'" + ",)" * 3000 + "}",
            "{'descr': " + "[" * 60 + "]" * 60 + ", 'shape': (1,)}",
        ]
    )
    await client.send("hostile array", "POST", random.choice(["/predict", "/explain"]), 400, data=npy(header))


async def many_layers(client):
    """Joins a layer with itself 3,000 times."""
    await client.send("many layers", "POST", "/explain?layer=" + "%2B".join(["features"] * 3000), 400, data=PICTURE)


async def many_classes(client):
    """Explains 64 classes."""
    classes = "&".join(f"class=%23{c}" for c in range(64))
    await client.send("many classes", "POST", f"/explain?method=grad-cam++&{classes}", 200, 400, data=PICTURE)


async def batch(client):
    """Sends a batch of pictures; or one whose answer would be too large."""
    action, status, body = random.choice(BATCHES)
    await client.send("batch", "POST", f"/v1/models/{MODEL}:{action}", status, data=body)


async def float_tiff(client):
    """Sends a TIFF file of floats, small or large."""
    side, statuses = random.choice([(64, (200,)), (7000, (200, 400))])
    await client.send("float TIFF", "POST", "/predict", *statuses, data=TIFFS[side])


async def unread_arrays(client):
    """Asks for the arrays of samples, and does not read them."""
    path = f"/explain?samples=8&seed={random.randrange(10**9)}"
    head = f"POST {path} HTTP/1.1\nHost: localhost\nAccept: application/x-npz\nContent-Length: {len(PICTURE)}"
    await client.raw(head, PICTURE, 10.0)


async def stalled_upload(client):
    """Sends a megabyte of sixteen, and no more."""
    head = "POST /explain HTTP/1.1\nHost: localhost\nContent-Length: 16000000"
    await client.raw(head, bytes(1_000_000), 8.0, read=1000)


async def idle(client):
    """Opens 50 connections and says nothing."""
    await asyncio.gather(*[client.raw("", 5.0) for _ in range(50)])


#: How often a client chooses each action, relative to the others.
ACTIONS = {
    valid: 30, bad_picture: 5, bad_json: 5, huge_batch: 2, oversized: 2, unknown: 5, bad_option: 5,
    truncated: 5, slow_sender: 3, slow_head: 2, leaves: 5, slow_reader: 3, no_http: 3,
    hostile_array: 3, many_layers: 1, many_classes: 1, batch: 2, float_tiff: 2, unread_arrays: 2,
    stalled_upload: 1, idle: 1,
}  # fmt: skip
