"""Requests that ask for much."""

import base64
import json
import struct
import threading
import zlib

from pictures import black_floats, chunk, npy
from target import CAT, CAT64

MODEL = "efficientnet-lite0"


def at_every_entry(server, body):
    """Sends a file wherever the server takes one."""
    encoded = base64.b64encode(body).decode()
    for path in ("/predict", "/explain", "/overview"):
        server.attack("POST", path, body)
    v1 = {"instances": [{"b64": encoded}]}
    server.attack("POST", f"/v1/models/{MODEL}:predict", json.dumps(v1).encode())
    v2 = {"inputs": [{"name": "picture", "shape": [1], "datatype": "BYTES", "data": [encoded]}]}
    server.attack("POST", f"/v2/models/{MODEL}/infer", json.dumps(v2).encode())


def huge_shape(server):
    """An array whose header claims 10^18 elements."""
    at_every_entry(server, npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000000)}"))


def nested_types(server):
    """An array whose type is 3,000 nested tuples."""
    at_every_entry(server, npy("{'descr': " + "(" * 3000 + "'<f4'" + ",)" * 3000 + "}"))


def nested_lists(server):
    """An array whose header is 60 nested lists."""
    at_every_entry(server, npy("{'descr': " + "[" * 60 + "]" * 60 + ", 'shape': (1,)}"))


def layers(server):
    """A layer that is joined with itself 3,000 times."""
    layer = "%2B".join(["features"] * 3000)
    server.attack("POST", f"/explain?layer={layer}", CAT)


def classes(server):
    """64 classes, with the standard error of each."""
    classes = "&".join(f"class={c}" for c in range(64))
    server.attack("POST", f"/explain?samples=8&{classes}", CAT)
    server.attack("POST", f"/explain?samples=8&view=uncertainty&{classes}", CAT)


def feature_maps(server):
    """A batch of as many pictures as fit a body, 64 classes and all feature maps."""
    options = {"feature_maps": 4096, "class": [f"#{i}" for i in range(64)]}
    body = {"instances": [{"b64": CAT64}] * 40, "options": options}
    server.attack("POST", f"/v1/models/{MODEL}:explain", json.dumps(body).encode())


def parameters(server):
    """15 MB of parameters, and as many classes."""
    data = {"name": "picture", "shape": [1], "datatype": "BYTES", "data": [CAT64]}
    for values in ({f"p{i}": "x" * 1000 for i in range(15_000)}, {"class": list(range(2_000_000))}):
        body = {"inputs": [data], "parameters": values}
        server.attack("POST", f"/v2/models/{MODEL}/infer", json.dumps(body).encode())


def outputs(server):
    """65,000 names of outputs."""
    data = {"name": "picture", "shape": [1], "datatype": "BYTES", "data": [CAT64]}
    body = {"inputs": [data], "outputs": [{"name": f"o{i}"} for i in range(65_000)]}
    server.attack("POST", f"/v2/models/{MODEL}/infer", json.dumps(body).encode())


def maps(server):
    """10,000 feature maps, one by one, and as many ranges of neurons."""
    server.attack("POST", "/explain?maps=" + ",".join(["1"] * 5000), CAT)
    server.attack("POST", "/explain?neurons=" + "%3B".join(["0-6,0-6"] * 2000), CAT)


def profile(server):
    """Pictures of 8 x 8 pixels, whose colour profile unpacks to 800 MB."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(800)) + packer.flush()
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes(24)) * 8)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"iCCP", b"x\0\0" + packed)
    png += chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    for _ in range(4):
        server.attack("POST", "/predict", png)


def float_tiffs(server):
    """Pictures of 7,000 x 7,000 floats, in files of 570 kB, and small ones, which are explained."""
    at_every_entry(server, black_floats(7000))
    for path in ("/predict", "/explain?method=grad-cam", "/picture"):
        status, answer = server.attack("POST", path, black_floats(64))
        assert status == 200, f"a small TIFF file is refused: {answer[:200]}"


def mixed(server):
    """10,000 requests of all kinds by eight clients, after which the memory is as it was after the first 2,000."""
    kinds = [
        lambda i: ("POST", "/predict", CAT + struct.pack("<I", i)),
        lambda _: ("POST", "/predict?top=3", CAT),
        lambda _: ("POST", "/picture", CAT),
        lambda i: ("POST", "/predict", CAT[: i % len(CAT)]),
        lambda _: ("POST", "/predict", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,)}")),
        lambda _: ("POST", "/explain?samples=x", CAT),
        lambda _: ("POST", f"/v1/models/{MODEL}:predict", json.dumps({"instances": [{"b64": CAT64}]}).encode()),
        lambda _: ("POST", f"/v2/models/{MODEL}/infer", b"[" * 10_000),
        lambda _: ("GET", "/about", b""),
        lambda _: ("GET", "/metrics", b""),
    ]

    def client(number, requests):
        for i in requests:
            server.attack(*kinds[i % len(kinds)](i), source=f"127.0.2.{1 + number}")

    def ask(requests):
        clients = [threading.Thread(target=client, args=(n, requests[n::8])) for n in range(8)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        return server.memory()

    early, late = ask(range(2000)), ask(range(2000, 10_000))
    assert late < early * 1.1 + 20e6, f"the memory grows from {early / 1e6:.0f} to {late / 1e6:.0f} MB"


def unread(server):
    """32 clients that ask for the arrays of many samples, and do not read them once they are there."""
    connections = []
    path = "/explain?samples=64&view=uncertainty&seed={}"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-npz\r\nContent-Length: {len(CAT)}\r\n\r\n"

    def ask(seed):
        connection = server.connect(f"127.0.1.{1 + seed}")
        connection.sendall(head.format(seed).encode() + CAT)
        connections.append(connection)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.wait_until_idle()
    return connections


ATTACKS = [
    huge_shape,
    nested_types,
    nested_lists,
    layers,
    classes,
    feature_maps,
    parameters,
    outputs,
    maps,
    profile,
    float_tiffs,
    mixed,
    unread,
]
