"""Connections that take places."""

import contextlib
import time

from target import CAT, Server

HEAD = "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n"


def stalled(server):
    """16 uploads of 16 MB, of which the last byte does not come."""
    connections = []
    for _ in range(16):
        connection = server.connect()
        with contextlib.suppress(OSError):
            connection.sendall(HEAD.format("/predict", 16_000_000).encode() + bytes(15_999_999))
        connections.append(connection)
    return connections


def idle(server):
    """1,100 connections of six addresses that say nothing."""
    connections = []
    for i in range(1100):
        try:
            connections.append(server.connect(f"127.0.0.{2 + i % 6}"))
        except OSError:
            break
    return connections


def half_heads(server):
    """400 requests whose heads do not end."""
    connections = []
    for i in range(400):
        try:
            connection = server.connect(f"127.0.0.{2 + i % 6}")
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: loc")
            connections.append(connection)
        except OSError:
            break
    return connections


def leaves(server):
    """Clients that leave while they are answered, with a byte of the next request sent ahead."""
    for seed in range(4):
        with server.connect() as connection:
            head = HEAD.format(f"/explain?samples=1000&seed={seed}", len(CAT))
            connection.sendall(head.encode() + CAT)
            time.sleep(0.5)
            connection.sendall(b"G")


def other_hosts(server):
    """Requests for the names of other hosts, as DNS rebinding makes browsers send them."""
    for host in ("evil.example", "evil.example:8000", ""):
        status, _ = server.attack("POST", "/predict", CAT, host=host)
        assert status >= 400, f"a request for '{host}' was answered"


def flood(server):
    """60 requests of one address, each for a minute of work: all that it can have waits, and two are in work."""
    connections = []
    for seed in range(60):
        connection = server.connect("127.0.0.2")
        connection.sendall(HEAD.format(f"/explain?samples=1000&seed={seed}", len(CAT)).encode() + CAT)
        connections.append(connection)
    time.sleep(1)
    return connections


def half_heads_at_the_end(_):
    """Requests whose heads do not end, when the server is told to end: it does so within the 2 s that serve.md says."""
    server = Server()
    connections = half_heads(server)
    begun = time.monotonic()
    server.process.terminate()
    with contextlib.suppress(Exception):
        server.process.wait(30)
    seconds = time.monotonic() - begun
    server.end()
    del connections
    assert seconds < 4, f"the server takes {seconds:.1f} s to end"


ATTACKS = [stalled, idle, half_heads, leaves, other_hosts, flood, half_heads_at_the_end]
