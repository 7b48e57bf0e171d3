"""Measures the tools in turn, one at a time."""

import json
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SMOOTHCAM = ROOT / "target" / "release" / "smoothcam"


class Peer:
    """Runs a Python tool, whose process waits between its turns."""

    def __init__(self, tool, network, layer, samples, threads):
        command = [sys.executable, str(HERE / "peer.py"), tool, network, layer, str(samples), str(threads)]
        self.tool = tool
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.layer = self.answer()["layer"]
        self.runs = []

    def answer(self):
        """Reads a line of the process."""
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read().strip().splitlines()[-1])
        return json.loads(line)

    def turn(self):
        """Measures one explanation."""
        print(file=self.process.stdin, flush=True)
        self.runs.append(self.answer())

    def close(self):
        """Ends the process."""
        self.process.communicate()


class Smoothcam:
    """Runs smoothcam on one engine, with a new process for each turn, whose first run is not timed."""

    def __init__(self, engine, options, model, picture, layer, samples, repeat):
        method = ["--method", "smooth-grad-cam++", "--samples", str(samples), "--sigma-absolute", "0.3"]
        self.tool, self.layer, self.runs = f"smoothcam, {engine}", layer, []
        method = method if samples else ["--method", "grad-cam"]
        where = ["--model", str(model), "--layer", layer]
        self.command = [
            str(SMOOTHCAM),
            "bench",
            str(picture),
            "--json",
            "--repeat",
            str(repeat),
            *where,
            *options,
            *method,
        ]

    def turn(self):
        """Measures one explanation."""
        measured = json.loads(run(self.command))
        self.runs.append(
            {
                "explain_ms": measured["explain_ms"]["median"],
                "forward_ms": measured["forward_ms"]["median"],
                "peak_memory": measured["peak_memory"],
                "passes": measured["passes"],
                "noise_acts": measured["noise_acts"],
            }
        )

    def close(self):
        """Does nothing: no process is running."""


def run(command):
    """Runs a command and returns what it prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def case(starts, rounds):
    """Measures tools in turn, `rounds` times; returns a row for each.

    `starts` has the name of each tool and a function that starts it.
    """
    tools, rows = [], []
    for tool, start in starts:
        try:
            tools.append(start())
        except RuntimeError as error:
            rows.append({"tool": tool, "error": str(error)})
    for _ in range(rounds):
        for tool in tools:
            tool.turn()
    for tool in tools:
        tool.close()
        rows.append({"tool": tool.tool, "layer": tool.layer, **median(tool.runs)})
    return rows


def median(runs):
    """Summarises runs: the median of times, and the maximum of the peak memory."""
    row = dict(runs[-1])
    for key in ("explain_ms", "forward_ms"):
        row[key] = statistics.median(r[key] for r in runs)
    row["peak_memory"] = max(r["peak_memory"] for r in runs)
    return row


def command_line(options, folder, repeats):
    """Measures the command in milliseconds, from its start until it has written the picture."""
    picture, out = ROOT / "examples" / "cat.png", folder / "cat.png"
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        run([str(SMOOTHCAM), "explain", str(picture), "-o", str(out), *options])
        times.append((time.perf_counter() - started) * 1e3)
    return {"first_ms": times[0], "median_ms": statistics.median(times[1:])}


def long_run(options, method, repeats):
    """Measures the pictures per second that the built-in classifier explains once it is loaded."""
    measured = json.loads(
        run([str(SMOOTHCAM), "bench", "--json", "--repeat", str(repeats), "--method", method, *options])
    )
    return 1e3 / measured["explain_ms"]["median"]
