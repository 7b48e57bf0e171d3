"""Compares the time and memory of smoothcam with those of torch-cam, grad-cam and captum: see bench/run.

Models have random weights; nothing is downloaded. All tools run in turn, on the same input, with as many threads as
there are cores. Peak memory is that of a process that does nothing else.

networks    builds the models and lists the layers that are explained
peer        runs a Python tool in a process of its own
measure     measures all tools in turn
report      writes docs/src/performance.md and checks the targets
"""

import argparse
import datetime
import functools
import importlib.util
import json
import os
import pathlib
import platform

import numpy
import torch

import measure
import networks
import report

CORES = len(os.sched_getaffinity(0))
RESULTS = measure.ROOT / "bench" / "results.json"


def engines(threads):
    """Returns the flags for each engine."""
    # By default there is one thread for each core, and all sessions share them; with --threads they do not.
    threads = [] if threads == CORES else ["--threads", str(threads)]
    package = pathlib.Path(importlib.util.find_spec("onnxruntime").origin).parent
    return {
        "rten": ["--engine", "rten", *threads],
        "ONNX Runtime": ["--engine", "onnxruntime", "--onnxruntime", str(package / "capi"), *threads],
    }


def cases(network, counts):
    """Yields place, layer (by torch-cam's name), samples, and the Python tools that can explain it."""
    for place, layer in [
        ("last", "default"),
        ("early", networks.EARLY[network]),
        ("tokens", networks.TOKENS.get(network)),
    ]:
        if layer:
            for samples in counts:
                # captum is measured once: all its passes cost the same.
                others = ["captum"] if place == "last" and samples == counts[0] else []
                yield place, layer, samples, ["torch-cam", *others] if place != "tokens" else []
    yield "last", "default", 0, ["torch-cam", "grad-cam", "grad-cam (++)", "captum"]


def measure_network(network, options, folder):
    """Yields the rows of a network."""
    model = networks.export(network, folder)
    picture = folder / "picture.npy"
    numpy.save(picture, networks.picture().numpy())
    first = measure.Peer("torch-cam", network, "default", 0, options.threads)
    default = first.layer
    first.close()
    for place, layer, samples, peers in cases(network, options.samples):
        name = default if layer == "default" else layer
        starts = [
            (peer, functools.partial(measure.Peer, peer, network, name, samples, options.threads)) for peer in peers
        ]
        for engine, flags in engines(options.threads).items():
            start = functools.partial(measure.Smoothcam, engine, flags, model, picture, name, samples, options.repeat)
            starts.append((f"smoothcam, {engine}", start))
        for row in measure.case(starts, options.rounds):
            row = {"network": network, "place": place, "samples": samples, **row}
            print(json.dumps(row), flush=True)
            yield row


def main():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="run each tool once instead of several times")
    parser.add_argument("--only", nargs="+", metavar="MODEL", choices=networks.EARLY, default=list(networks.EARLY))
    parser.add_argument(
        "--samples", nargs="+", metavar="N", type=int, default=[5, 25], help="noised samples [default: 5 25]"
    )
    parser.add_argument(
        "--threads", metavar="N", type=int, default=CORES, help="threads of each tool [default: one for each core]"
    )
    parser.add_argument(
        "--models",
        type=pathlib.Path,
        default=measure.ROOT / "target" / "bench",
        help="folder for the exported models, 1.2 GB [default: target/bench]",
    )
    parser.add_argument("--report", action="store_true", help="only write docs/src/performance.md")
    options = parser.parse_args()
    options.rounds, options.repeat = (1, 1) if options.quick else (3, 1)
    if options.report:
        return report.write(json.loads(RESULTS.read_text()))
    options.models.mkdir(parents=True, exist_ok=True)
    rows = [row for network in options.only for row in measure_network(network, options, options.models)]
    repeats = 5 if options.quick else 20
    results = {
        "date": datetime.date.today().isoformat(),
        "quick": options.quick,
        "processor": report.processor(),
        "threads": options.threads,
        "system": platform.system(),
        "torch": torch.__version__,
        "rows": rows,
        "command": {e: measure.command_line(f, options.models, repeats) for e, f in engines(options.threads).items()},
        "per_second": {
            e: {m: measure.long_run(f, m, 10 * repeats) for m in ("grad-cam", "smooth-grad-cam++")}
            for e, f in engines(options.threads).items()
        },
    }
    if set(options.only) != set(networks.EARLY) or options.samples != [5, 25]:
        print(json.dumps({k: v for k, v in results.items() if k != "rows"}, indent=1))
        return report.print_targets(results)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    report.write(results)
    report.print_targets(results)


if __name__ == "__main__":
    main()
