"""Clients that send one valid, cheap request after the other, each from its own address and in its own process.

The processes are their own so that what is measured is the server, not the clients that attack it.
"""

import http.client
import itertools
import multiprocessing
import time
from urllib.parse import urlsplit

from server import CAT

#: The requests of each client, and its address.
CLIENTS = {
    "health": ("127.0.0.101", [("GET", "/v2/health/live")]),
    "good client": ("127.0.0.100", [("POST", "/predict?top=3"), ("POST", "/explain?method=grad-cam")]),
}


def start(url, seconds):
    """Starts the clients, which end after so many seconds."""
    context = multiprocessing.get_context("spawn")
    started = {}
    for name, (address, requests) in CLIENTS.items():
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=ask, args=(theirs, url, address, requests, seconds), daemon=True)
        process.start()
        started[name] = ours, process
    return started


def results(started):
    """Returns of each client how many seconds each answer took, and what was wrong."""
    collected = {}
    for name, (pipe, process) in started.items():
        collected[name] = pipe.recv() if pipe.poll(150) else ([], ["no results"])
        process.join(5)
    return collected


def ask(pipe, url, address, requests, seconds):
    """Sends requests, and again those that are refused for now, and tells how long each took until it was answered."""
    to, end = urlsplit(url), time.monotonic() + seconds
    waits, faults, picture = [], [], CAT.read_bytes()
    for number, (method, path) in enumerate(itertools.cycle(requests)):
        if time.monotonic() > end:
            break
        begun, status = time.monotonic(), 429
        # Bytes after a picture's end make it another, which the server has not seen.
        body = picture + number.to_bytes(8) if method == "POST" else None
        while status == 429:
            try:
                connection = http.client.HTTPConnection(to.hostname, to.port, 120, source_address=(address, 0))
                connection.request(method, path, body)
                answer = connection.getresponse()
                status, wait = answer.status, answer.headers.get("Retry-After")
                answer.read()
                connection.close()
            except (OSError, http.client.HTTPException) as error:
                status = 0
                faults.append(f"{type(error).__name__}: {error}")
            if status == 429:
                time.sleep(int(wait or 1))
        if status not in (0, 200):
            faults.append(f"an answer of {status}")
        waits.append(time.monotonic() - begun)
        time.sleep(0.2)
    pipe.send((waits, faults))
