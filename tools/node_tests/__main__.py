"""Checks gradients by ONNX's own tests of operators.

    python tools/node_tests [--engine rten|onnxruntime] [--write] [NAME ...]

Every model of ONNX's backend node tests with an input and an output of floats is differentiated by `smoothcam grad`.
The gradient runs in ONNX Runtime, and is compared with central differences of the model itself along random
directions. Fails if a gradient is wrong, does not load, or is not made in a minute, and if fewer are right than
docs/src/node-tests.md says. `--write` writes that page. Needs numpy, onnx and onnxruntime.
"""

import argparse
import fnmatch
import multiprocessing
import os
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from page import ENGINES, KINDS, page, recorded
from suite import cases, outcome

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/src/node-tests.md"
FAILURES = ("wrong", "does not load", "hangs")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="tests, which may have wildcards; all without")
    parser.add_argument("--engine", choices=list(ENGINES), help="the engine that prepares gradients; both without")
    parser.add_argument("--smoothcam", default=str(ROOT / "target/release/smoothcam"))
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args()
    if options.write and (options.names or options.engine):
        parser.error("the page is of all tests and both engines")
    warnings.filterwarnings("ignore")
    wanted = options.names or ["*"]
    names = [name for name in cases() if any(fnmatch.fnmatch(name, pattern) for pattern in wanted)]
    engines = [options.engine] if options.engine else list(ENGINES)
    tasks = [(name, options.smoothcam, engine) for engine in engines for name in names]
    with multiprocessing.Pool(os.cpu_count()) as pool:
        found = iter(pool.starmap(outcome, tasks, chunksize=8))
    outcomes = {engine: {name: next(found) for name in names} for engine in engines}
    failed = [report(engine, rows, bool(options.names)) for engine, rows in outcomes.items()]
    if options.write:
        PAGE.write_text(page(outcomes))
    elif not options.names:
        least = recorded(PAGE.read_text() if PAGE.exists() else "")
        for engine, rows in outcomes.items():
            right = sum(kind == "right" for kind, _ in rows.values())
            if right < least.get(engine, 0):
                print(f"{ENGINES[engine]}: {right} are right, {least[engine]} were")
                failed.append(True)
    return any(failed)


def report(engine, rows, each):
    """Prints what became of the tests; returns whether any failed."""
    print(ENGINES[engine])
    for kind in KINDS:
        of_kind = [(name, detail) for name, (found, detail) in rows.items() if found == kind]
        print(f"{len(of_kind):6} {kind}")
        if each or kind in FAILURES:
            for name, detail in of_kind:
                print(f"         {name}: {detail}")
    return any(kind in FAILURES for kind, _ in rows.values())


if __name__ == "__main__":
    sys.exit(main())
