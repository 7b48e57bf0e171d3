"""Compare smoothcam's gradients with PyTorch's autograd, network by network: `docs/coverage.md`.

    python -m venv .venv && .venv/bin/pip install -r tools/parity/requirements.txt
    cargo build --release
    .venv/bin/python tools/parity                                     # everything: some hours
    .venv/bin/python tools/parity timm --only resnet18 vit_tiny_patch16_224
    .venv/bin/python tools/parity --report                            # only writes docs/coverage.md anew

The weights are random and nothing is downloaded.  For each network three of the layers that smoothcam lists are asked
for (the default, the first, and one in the middle), and `d1` of `--arrays` is compared with autograd's gradient.

networks    what is compared, and how it is built and exported
condition   makes random networks well behaved, so that float32 is enough to tell
reference   autograd's gradient at the tensor that has the layer's values
compare     one network: a row
report      what the rows say: docs/coverage.md

Rows are kept as JSON lines (tools/parity.jsonl), one a network and exporter.  Networks that have a row of these very
scripts are skipped.
"""

import argparse
import concurrent.futures
import hashlib
import json
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback

import networks
import report

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SEEDS = 3  # where float32 cannot tell, other random weights may do
PARTS = ["torchvision", "timm", "keras", "dynamo"]


def main():
    parser = argparse.ArgumentParser(prog="parity", description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these networks, also if they have rows")
    parser.add_argument("--again", action="store_true", help="networks whose outcome is not ok, too")
    parser.add_argument("--report", action="store_true", help="compare nothing, write the report")
    parser.add_argument("--smoothcam", default=str(ROOT / "target/release/smoothcam"), help="the binary")
    parser.add_argument("--size", type=int, default=128, help="of the input, where the network lets one choose")
    parser.add_argument("--picture", default=str(ROOT / "examples/cat.png"))
    parser.add_argument("--jobs", type=int, default=2, help="networks at a time")
    parser.add_argument("--threads", type=int, default=1, help="of each job")
    parser.add_argument("--limit", type=int, default=600, help="seconds a network may take")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(unknown)}")

    version, store = script_version(), ROOT / "tools/parity.jsonl"
    rows = read(store, version)
    if not options.report:
        options.smoothcam = os.path.abspath(options.smoothcam)
        smoothcam = subprocess.check_output([options.smoothcam, "--version"], text=True).split()[-1]
        os.environ["RTEN_NUM_THREADS"] = str(options.threads)
        tasks = [task for part in options.parts or PARTS for task in networks.tasks(part)]
        if options.only:
            tasks = [task for task in tasks if task[1] in options.only]
        else:
            tasks = [t for t in tasks if t not in rows or (options.again and report.outcome(rows[t]) != "ok")]
        for row in run_all(options, tasks):
            row |= {"script": version, "smoothcam": smoothcam}
            rows[row["source"], row["model"], row["exporter"]] = row
            write(store, rows)
            print(report.line(row), flush=True)
    report.write(list(rows.values()), version, ROOT / "docs/coverage.md")


def script_version():
    """Of all that decides what is in a row."""
    files = sorted(p for p in HERE.glob("*.py") if p.name not in ("report.py", "__main__.py"))
    return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()[:8]


def read(store, version):
    lines = store.read_text().splitlines() if store.exists() else []
    rows = [json.loads(line) for line in lines]
    return {(r["source"], r["model"], r["exporter"]): r for r in rows if r["script"] == version}


def write(store, rows):
    temporary = store.with_suffix(".tmp")
    temporary.write_text("".join(json.dumps(rows[key]) + "\n" for key in sorted(rows)))
    temporary.replace(store)


def run_all(options, tasks):
    """The rows, as they are done; each in a process of its own, `--jobs` at a time."""
    if any(source == "timm" for source, _, _ in tasks):
        import timm  # noqa: F401  (before the processes start: its import is slow)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        waiting = [pool.submit(in_process, options, task) for task in tasks]
        for done in concurrent.futures.as_completed(waiting):
            yield done.result()


def in_process(options, task):
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(False)
    process = context.Process(target=child, args=(options, task, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return new_row(task) | {"failure": "the process ended: out of memory?"}
    finally:
        process.join()


def new_row(task):
    return dict(zip(("source", "model", "exporter"), task)) | {"layers": []}


def child(options, task, sender):
    from compare import NotExported, compare

    def late(*_):
        raise TimeoutError(f"took longer than {options.limit} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(options.limit)
    silence = os.open(os.devnull, os.O_WRONLY)  # the exporters write whole graphs
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    started = time.time()
    for seed in range(SEEDS):
        row = new_row(task) | {"seed": seed}
        try:
            compare(options, *task, seed, row)
        except NotExported as e:
            row["not_exported"] = str(e)
        except Exception as e:
            row["failure"] = str(e)[:1500] or type(e).__name__
            row["traceback"] = traceback.format_exc()[-1000:]
        if report.outcome(row) != "rounding":
            break
    row["seconds"] = round(time.time() - started, 1)
    sender.send(row)


if __name__ == "__main__":
    sys.exit(main())
