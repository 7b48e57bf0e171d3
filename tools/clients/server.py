"""Starts the server on a free port for the duration of a `with` block."""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CAT = ROOT / "examples" / "cat.png"
MODEL = "efficientnet-lite0"


def binary():
    """Returns the program: SMOOTHCAM if it is set, else the release build if there is one, else the debug build."""
    if "SMOOTHCAM" in os.environ:
        return Path(os.environ["SMOOTHCAM"]).resolve()
    for profile in ("release", "debug"):
        path = ROOT / "target" / profile / "smoothcam"
        if path.exists():
            return path
    raise SystemExit("build smoothcam first: cargo build --release")


@contextlib.contextmanager
def serving(*args, log=subprocess.DEVNULL, program=None):
    """Yields the process and its URL."""
    command = [program or binary(), "serve", "--listen", "127.0.0.1:0", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        line = process.stdout.readline()
        address = re.search(r"http://\S+", line)
        assert address, f"the server did not start: {line!r}"
        yield process, address[0]
        assert process.poll() is None, f"the server ended with status {process.returncode}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def explain(folder, *args):
    """Explains the picture of the cat on the command line; returns the bytes of the PNG file, and the record."""
    command = [binary(), "explain", CAT, "-o", folder / "cli.png", "--json", *args]
    record = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return (folder / "cli.png").read_bytes(), record
