#!/usr/bin/env python3
"""Feeds smoothcam damaged files and odd requests, by libFuzzer: a target for each of its borders.

    python fuzz/run.py                             # a minute for each target
    python fuzz/run.py --seconds 3600 picture      # an hour for pictures
    python fuzz/run.py --seconds 3600 --save       # for all; inputs that reach something new go into corpus/

Each target begins with its corpus, the inputs in corpus/TARGET.zip, so that whatever was once found is tried again.
An input that brings smoothcam down, takes too long or too much memory is kept in artifacts/TARGET:

    cargo fuzz run -s none TARGET fuzz/artifacts/TARGET/crash-...
"""

import argparse
import concurrent.futures
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSION = "0.13.2"
#: The longest inputs, in bytes, by target.
LONGEST = {"model": 8192, "classifier": 8192, "picture": 20_000, "http": 8192}
#: An input may take so much time, in seconds on a slow machine, and the process so much memory, in MB.
LIMITS = ["-timeout=60", "-rss_limit_mb=2000"]


def cargo_fuzz():
    """The command, which is installed if it is not there."""
    root = HERE.parent / "target" / "cargo-fuzz"
    command = shutil.which("cargo-fuzz") or root / "bin" / "cargo-fuzz"
    if not Path(command).exists():
        subprocess.run(
            ["cargo", "install", "--quiet", "--locked", "--root", root, "--version", VERSION, "cargo-fuzz"], check=True
        )
    return str(command)


def fuzz(command, *arguments, **more):
    """Runs a command of cargo-fuzz without sanitizers, which need a nightly compiler and find no more in safe code."""
    verb, *rest = arguments
    # Files in memory are written a hundred times as fast.
    memory = Path("/dev/shm")
    environment = os.environ | ({"TMPDIR": str(memory)} if memory.is_dir() and "TMPDIR" not in os.environ else {})
    return subprocess.run([command, verb, "--sanitizer=none", *rest], cwd=HERE, env=environment, check=False, **more)


def unpacked(target):
    """The folder of a target's inputs, with those of its corpus."""
    folder = HERE / "inputs" / target
    folder.mkdir(parents=True, exist_ok=True)
    corpus = HERE / "corpus" / f"{target}.zip"
    if corpus.exists():
        with zipfile.ZipFile(corpus) as archive:
            archive.extractall(folder)
    return folder


def pack(target, folder):
    """Writes the inputs of a folder as a target's corpus: the same inputs give the same bytes."""
    (HERE / "corpus").mkdir(exist_ok=True)
    contents = sorted(path.read_bytes() for path in folder.iterdir())
    with zipfile.ZipFile(HERE / "corpus" / f"{target}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for content in contents:
            entry = zipfile.ZipInfo(hashlib.sha1(content).hexdigest())
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


def search(command, target, seconds, save):
    """Runs a target for so many seconds; returns whether nothing was found, and what it printed last."""
    folder = unpacked(target)
    limits = [*LIMITS, f"-max_len={LONGEST.get(target, 4096)}"]
    flags = ["--", f"-max_total_time={seconds}", "-print_final_stats=1", *limits]
    done = fuzz(command, "run", target, folder, *flags, capture_output=True, text=True, errors="replace")
    if save and done.returncode == 0:
        with tempfile.TemporaryDirectory() as fewest:
            fuzz(command, "run", target, fewest, folder, "--", "-merge=1", *limits, capture_output=True)
            pack(target, Path(fewest))
    return done.returncode == 0, done.stderr


def main():
    """Runs the targets, as many at a time as there are cores; returns whether something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help="without it: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: %(default)s)")
    parser.add_argument("--save", action="store_true", help="write what the search reached into corpus/")
    options = parser.parse_args()
    command = cargo_fuzz()
    if fuzz(command, "build").returncode != 0:
        return True
    targets = options.targets or sorted(path.stem for path in (HERE / "fuzz_targets").glob("*.rs"))
    failed = False
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        searches = [pool.submit(search, command, target, options.seconds, options.save) for target in targets]
        for target, future in zip(targets, searches, strict=True):
            passed, said = future.result()
            lines = said.splitlines()
            stats = dict(line.removeprefix("stat::").split(":", 1) for line in lines if line.startswith("stat::"))
            runs, peak = (stats.get(name, "?").strip() for name in ("number_of_executed_units", "peak_rss_mb"))
            print(f"{target:14} {'nothing found' if passed else 'FOUND':14} {runs:>10} inputs, {peak} MB", flush=True)
            if not passed:
                print("\n".join(lines[-60:]), flush=True)
                failed = True
    return failed


sys.exit(main())
