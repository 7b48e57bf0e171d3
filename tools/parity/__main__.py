"""Compares smoothcam's gradients with PyTorch's autograd on many networks, and writes `docs/src/coverage.md`.

    python -m venv .venv && .venv/bin/pip install -r tools/parity/requirements.txt
    cargo build --release
    .venv/bin/python tools/parity                                     # all networks: some hours
    .venv/bin/python tools/parity timm --only resnet18 vit_tiny_patch16_224
    .venv/bin/python tools/parity --report                            # only writes docs/src/coverage.md

Weights are random; nothing is downloaded. For each network, three of the layers that smoothcam lists are explained (the
default one, the first, and one in the middle), and `d1` of `--arrays` is compared with autograd's gradient.

networks    lists the networks
build       builds and exports one: of_torchvision, of_timm, of_keras, and small, which defines networks of its own
condition   changes random weights so that gradients in float32 are accurate
reference   computes autograd's gradient at the tensor that has the layer's values
compare     compares one network: a row
rows        stores rows, one for each network and exporter, and tells which are out of date
report      writes docs/src/coverage.md from the rows

Rows are lines of JSON in tools/parity/rows.jsonl, which is under version control. A network is compared if it has no
row, or if the scripts that its row depends on have changed since. Another network costs that network only;
another small one costs all small ones, which take a minute.
"""

import argparse
import concurrent.futures
import datetime
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
import rows

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEEDS = 3  # of the weights, which are tried while float32 is not accurate enough


def main():
    parser = argparse.ArgumentParser(prog="parity", description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(networks.PARTS)} (default: all)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these networks, even if they have rows")
    parser.add_argument("--again", action="store_true", help="also compare networks again whose outcome is not ok")
    parser.add_argument("--report", action="store_true", help="only write the report")
    parser.add_argument(
        "--smoothcam", default=str(ROOT / "target/release/smoothcam"), help="the program (default: %(default)s)"
    )
    parser.add_argument(
        "--size",
        type=int,
        default=128,
        help="side of the input, where the network allows a choice (default: %(default)s)",
    )
    parser.add_argument("--picture", default=str(ROOT / "examples/cat.png"), help="the input")
    parser.add_argument("--jobs", type=int, default=2, help="number of networks that are compared at the same time")
    parser.add_argument("--threads", type=int, default=1, help="number of threads for each network")
    parser.add_argument("--limit", type=int, default=600, help="time limit for a network, in seconds")
    options = parser.parse_args()
    unknown = set(options.parts) - set(networks.PARTS)
    if unknown:
        parser.error(f"unknown parts {', '.join(unknown)}, expected {', '.join(networks.PARTS)}")

    if not options.report:
        options.smoothcam = os.path.abspath(options.smoothcam)
        smoothcam = subprocess.check_output([options.smoothcam, "--version"], text=True).split()[-1]
        os.environ["RTEN_NUM_THREADS"] = str(options.threads)
        versions = {source: rows.version(source) for source in networks.MODULES}  # before anybody edits them
        for row in run_all(options, chosen(options)):
            trace = row.pop("traceback", "")
            date = datetime.datetime.now(datetime.UTC).date().isoformat()
            row |= {"script": versions[row["source"]], "smoothcam": smoothcam, "date": date}
            rows.add(row)
            print(report.line(row) + trace, flush=True)
    report.write(list(rows.read().values()), ROOT / "docs/src/coverage.md")


def chosen(options):
    """Lists the networks to compare."""
    tasks = [task for part in options.parts or networks.PARTS for task in networks.tasks(part)]
    if options.only:
        return [task for task in tasks if task[1] in options.only]
    known = {key: row for key, row in rows.read().items() if rows.current(row)}
    return [t for t in tasks if t not in known or (options.again and report.outcome(known[t]) != "ok")]


def run_all(options, tasks):
    """Yields rows as they are finished; each runs in a process of its own, `--jobs` at the same time."""
    if any(source == "timm" for source, _, _ in tasks):
        import timm  # noqa: F401  (imported before the processes start, as that is slow)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        waiting = [pool.submit(in_process, options, task) for task in tasks]
        for done in concurrent.futures.as_completed(waiting):
            yield done.result()


def in_process(options, task):
    """Compares one network in a process of its own."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(False)
    process = context.Process(target=child, args=(options, task, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return new_row(task) | {"failure": "the process ended without a result, perhaps out of memory"}
    finally:
        process.join()


def new_row(task):
    """Returns an empty row."""
    return dict(zip(("source", "model", "exporter"), task, strict=True)) | {"layers": []}


def child(options, task, sender):
    """Compares one network and sends its row; runs in the process of its own."""
    from compare import NotExported, compare

    def time_out(*_):
        raise TimeoutError(f"took longer than {options.limit} s")

    signal.signal(signal.SIGALRM, time_out)
    signal.alarm(options.limit)
    silence = os.open(os.devnull, os.O_WRONLY)  # exporters print whole graphs
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    started = time.time()
    for seed in range(SEEDS):
        row = new_row(task) | {"seed": seed}
        try:
            compare(options, *task, seed, row)
        except NotExported as e:
            row["not_exported"] = root(e)
        except Exception as e:
            row["failure"] = str(e)[:1500] or type(e).__name__
            row["traceback"] = "\n" + traceback.format_exc()[-1000:]
        if report.outcome(row) != "rounding":
            break
    row["seconds"] = round(time.time() - started, 1)
    sender.send(row)


def root(error):
    """Returns the first line of what caused an error in the first place: exporters wrap it several times."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


if __name__ == "__main__":
    sys.exit(main())
