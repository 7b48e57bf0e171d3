"""The server under attack, and the command."""

import base64
import os
import re
import resource
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SMOOTHCAM", str(ROOT / "target/release/smoothcam"))
CAT = (ROOT / "examples/cat.png").read_bytes()
CAT64 = base64.b64encode(CAT).decode()
#: How long anything may take: an attack that is slower has worked.
PATIENCE = 60


def memory(process, name):
    """A value of a process's memory, such as VmRSS, in bytes; `None` if it has ended."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    value = re.search(name + r":\s*(\d+) kB", status)
    return int(value[1]) * 1024 if value else None


class Server:
    """`smoothcam serve` with the bundled model, with these flags."""

    def __init__(self, *flags):
        command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--log", "none", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        address = re.search(r"http://[^ ]*:(\d+)", self.process.stdout.readline())
        self.port = int(address[1])
        self.answers = []

    def connect(self, source="127.0.0.1"):
        """A connection from an address of this machine."""
        connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE, (source, 0))
        connection.settimeout(PATIENCE)
        return connection

    def ask(self, method, path, body=b"", source="127.0.0.1", host="localhost"):
        """Sends a request; returns the status, 0 if there is none, the seconds that it took, and the body."""
        begun = time.monotonic()
        answer = b""
        try:
            with self.connect(source) as connection:
                head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {len(body)}"
                connection.sendall(head.encode() + b"\r\n\r\n" + body)
                while part := connection.recv(1 << 16):
                    answer += part
        except OSError:
            pass
        head, _, body = answer.partition(b"\r\n\r\n")
        status = re.match(rb"HTTP/1.1 (\d+)", head)
        return int(status[1]) if status else 0, time.monotonic() - begun, body

    def attack(self, method, path, body=b"", **more):
        """Sends a request, whose status is kept."""
        status, seconds, answer = self.ask(method, path, body, **more)
        self.answers.append((status, seconds))
        return status, answer

    def waited(self):
        """The longest that a good client waits now: for health, and for a prediction."""
        health, first, _ = self.ask("GET", "/v2/health/live", source="127.0.0.77")
        picture, second, _ = self.ask("POST", "/predict", CAT, source="127.0.0.77")
        return max(first, second) if (health, picture) == (200, 200) else float("inf")

    def wait_until_idle(self):
        """Waits until no request is in work or waits for it."""
        busy = rb"^smoothcam_(working|waiting)\S* [1-9]"
        end = time.monotonic() + PATIENCE
        time.sleep(1)
        while time.monotonic() < end and re.search(busy, self.ask("GET", "/metrics")[2], re.MULTILINE):
            time.sleep(0.5)

    def peak(self):
        """The most memory that the process has taken, in bytes; `None` if it has ended."""
        return memory(self.process, "VmHWM")

    def memory(self):
        """The memory that the process takes, in bytes; `None` if it has ended."""
        return memory(self.process, "VmRSS")

    def end(self):
        """Ends the server."""
        self.process.kill()
        self.process.wait()


def run(*arguments):
    """Runs the command; returns its exit status, what it said last on standard error, and its seconds."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        command = [BINARY, *map(str, arguments)]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return None, "no end", time.monotonic() - begun
    return done.returncode, done.stderr.strip(), time.monotonic() - begun


def peak_of_commands():
    """The most memory that a command has taken so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
