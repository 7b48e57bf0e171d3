"""Measures the server's latencies with 1, 8 and 64 clients by wrk."""

import os
import subprocess
import uuid
from pathlib import Path

from server import CAT, serving

SCRIPT = Path(__file__).parent / "pictures.lua"
SMOOTH = "explain?method=smooth-grad-cam%2B%2B&samples=8"
REQUESTS = [  # name, address, whether all requests have the same picture
    ("predict", "predict", False),
    ("explain, grad-cam", "explain?method=grad-cam", False),
    ("explain, smooth-grad-cam++, n = 8", SMOOTH, False),
    ("the same, of a picture that was explained before", SMOOTH, True),
]


def run(seconds):
    """Prints a table, each row of which takes this many seconds to measure."""
    print("| request | clients | requests/s | 50 % (ms) | 90 % (ms) | 99 % (ms) | refused or failed |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    with serving("--log", "none", "--waiting", "86") as (_, url):
        for name, address, same in REQUESTS:
            for clients in (1, 8, 64):
                command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}", "--timeout", "60", "-s", SCRIPT]
                environment = {**os.environ, "PICTURE": str(CAT)}
                if not same:
                    environment["MARK"] = uuid.uuid4().hex
                output = subprocess.run(
                    [*command, f"{url}/{address}"], env=environment, capture_output=True, text=True, check=True
                ).stdout
                line = next(line for line in output.splitlines() if line.startswith("RESULT"))
                count, time, errors, *percentiles = map(float, line.split()[1:])
                times = " | ".join(f"{p:.0f}" if p >= 10 else f"{p:.1f}" for p in percentiles)
                print(f"| {name} | {clients} | {count / time:.1f} | {times} | {errors:.0f} |", flush=True)
