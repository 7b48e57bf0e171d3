"""Checks gradients by ONNX's own tests of operators.

    python tools/node_tests [--engine rten|onnxruntime] [--write docs/src/node-tests.md] [NAME ...]

Every model of ONNX's backend node tests with an input and an output of floats is differentiated by `smoothcam grad`.
The gradient runs in ONNX Runtime, and is compared with central differences of the model itself along random
directions. Needs numpy, onnx and onnxruntime.
"""

import argparse
import json
import multiprocessing
import os
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from suite import cases, outcome

ROOT = Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="tests; all without")
    parser.add_argument("--engine", choices=["rten", "onnxruntime"], default="rten")
    parser.add_argument("--smoothcam", default=str(ROOT / "target/release/smoothcam"))
    parser.add_argument("--json", type=Path, help="where to write the outcomes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    names = [name for name in cases() if not options.names or name in options.names]
    tasks = [(name, options.smoothcam, options.engine) for name in names]
    with multiprocessing.Pool(options.jobs) as pool:
        outcomes = pool.starmap(outcome, tasks, chunksize=8)
    rows = dict(zip(names, outcomes, strict=True))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    kinds = {}
    for name, (kind, detail) in rows.items():
        kinds.setdefault(kind, []).append((name, detail))
    for kind, found in sorted(kinds.items()):
        print(f"{len(found):5} {kind}")
        if kind in ("wrong", "does not load") or options.names:
            for name, detail in found:
                print(f"        {name}: {detail}")
    return bool(kinds.get("wrong") or kinds.get("does not load"))


if __name__ == "__main__":
    sys.exit(main())
