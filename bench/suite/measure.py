"""Runs the tools in turn, one at a time."""

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
    """A Python tool, kept waiting between its turns."""

    def __init__(self, tool, network, layer, samples, threads):
        command = [sys.executable, str(HERE / "peer.py"), tool, network, layer, str(samples), str(threads)]
        self.tool = tool
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.layer = self.answer()["layer"]
        self.runs = []

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read().strip().splitlines()[-1])
        return json.loads(line)

    def turn(self):
        print(file=self.process.stdin, flush=True)
        self.runs.append(self.answer())

    def close(self):
        self.process.communicate()


class Smoothcam:
    """smoothcam on one engine: a process a turn, which runs once without being timed."""

    def __init__(self, engine, options, model, picture, layer, samples, repeat):
        method = ["--method", "smooth-grad-cam++", "--samples", str(samples), "--sigma-absolute", "0.3"]
        self.tool, self.layer, self.runs = f"smoothcam, {engine}", layer, []
        self.command = [
            str(SMOOTHCAM),
            "bench",
            str(picture),
            "--json",
            "--repeat",
            str(repeat),
            "--model",
            str(model),
            "--layer",
            layer,
            *options,
            *(method if samples else ["--method", "grad-cam"]),
        ]

    def turn(self):
        told = json.loads(run(self.command))
        self.runs.append(
            {
                "explain_ms": told["explain_ms"]["median"],
                "forward_ms": told["forward_ms"]["median"],
                "peak_memory": told["peak_memory"],
                "passes": told["passes"],
                "noise_acts": told["noise_acts"],
            }
        )

    def close(self):
        pass


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def case(starts, rounds):
    """What each of the tools takes, in turn `rounds` times; `starts` make them."""
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
    row = dict(runs[-1])
    for key in ("explain_ms", "forward_ms"):
        row[key] = statistics.median(r[key] for r in runs)
    row["peak_memory"] = max(r["peak_memory"] for r in runs)
    return row


def command_line(options, folder, repeats):
    """The command, from its start to the picture that it writes, in milliseconds."""
    picture, out = ROOT / "examples" / "cat.png", folder / "cat.png"
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        run([str(SMOOTHCAM), "explain", str(picture), "-o", str(out), *options])
        times.append((time.perf_counter() - started) * 1e3)
    return {"first_ms": times[0], "median_ms": statistics.median(times[1:])}


def long_run(options, method, repeats):
    """Pictures per second of the built-in classifier, once it is loaded."""
    told = json.loads(run([str(SMOOTHCAM), "bench", "--json", "--repeat", str(repeats), "--method", method, *options]))
    return 1e3 / told["explain_ms"]["median"]
