"""Models, files and values at the command line: each is read, or refused in a line."""

import contextlib
import itertools
import os
import tempfile
import threading
import unicodedata
from pathlib import Path

from models import broken_files, models
from pictures import pictures, tiff
from target import CAT, ROOT, run

PICTURE = ROOT / "examples/cat.png"
MANY = 100_000


def pipe(path, data, times=None):
    """A named pipe into which this is written, so many times or without end."""

    def write():
        with contextlib.suppress(OSError), open(path, "wb") as to:
            for _ in itertools.repeat(data) if times is None else range(times):
                to.write(data)

    os.mkfifo(path)
    threading.Thread(target=write, daemon=True).start()
    return path


def pipes(folder):
    """Commands that read from named pipes, each with its name."""
    explain = ["explain", PICTURE, "-o", "map.png"]
    new = (folder / f"pipe{i}" for i in itertools.count())
    picture = ["explain", "-o", "map.png"]
    yield "a picture by a pipe", [*picture, pipe(next(new), CAT, 1)]
    yield "a picture by a pipe without end", [*picture, pipe(next(new), bytes(1 << 16))]
    yield "a TIFF by a pipe without end", [*picture, pipe(next(new), tiff(8, 8, 32, 3) + bytes(1 << 16))]
    yield "labels by a pipe", [*explain, "--labels", pipe(next(new), b"a\n", 1000)]
    yield "labels by a pipe without end", [*explain, "--labels", pipe(next(new), b"a\n" * 30_000)]
    yield "a model by a pipe that ends", [*explain, "--model", pipe(next(new), b"hello", 1)]
    yield "a model by a pipe without end", ["layers", "--model", pipe(next(new), bytes(1 << 16))]
    # A field that is skipped, of 100 bytes, again and again.
    yield "a model of 4 GB by a pipe", ["layers", "--model", pipe(next(new), (b"\x7a\x64" + bytes(100)) * 1000)]
    yield "noise by a pipe without end", [*explain, "--noise", pipe(next(new), b"\x93NUMPY" + bytes(1 << 16))]
    # What nobody writes to, and nobody has named, is not waited for.
    found = folder / "found"
    found.mkdir()
    (found / "cat.png").write_bytes(CAT)
    os.mkfifo(found / "pipe.png")
    os.mkfifo(found / "pipe.json")
    os.mkfifo(found / "config.json")
    yield "a folder with a pipe", ["explain", found]
    evaluate = ["evaluate", found, "--methods", "grad-cam", "--metrics", "sharpness", "-o"]
    yield "an evaluation with a pipe", [*evaluate, folder / "evaluation"]
    yield "annotations with a pipe", [*evaluate, folder / "objects", "--objects", found]


def commands(folder):
    """Commands with files without end, and values that are none, each with its name."""
    explain = ["explain", PICTURE]
    long = "x" * MANY
    for option in ("--samples", "--layer", "--method", "--size", "--class", "--maps", "--model", "--labels", "-o"):
        yield f"{option} of {MANY} letters", [*explain, option, long]
    yield f"a flag of {MANY} letters", [*explain, f"--{long}"]
    for option, value in {"--sigmas": "nan", "--samples": "99999999"}.items():
        yield f"{option} {value}", ["evaluate", PICTURE.parent, option, value]
    for option in ("-o", "--heatmap", "--arrays", "--coco"):
        yield f"{option} on a full disk", [*explain, option, "/dev/full"]
    zero = Path(folder) / "zero.npy"
    zero.symlink_to("/dev/zero")
    yield "a picture without end", ["explain", "/dev/zero"]
    yield "an array without end", ["explain", zero]
    yield "a model without end", [*explain, "--model", "/dev/zero"]
    yield "labels without end", [*explain, "--labels", "/dev/zero"]
    yield "an input without end", [*explain, "--input", "x=/dev/zero"]
    for option in ("--maps", "--neurons", "--class", "--samples", "--sigma", "--seed", "--size", "--grid"):
        yield f"{option} -1", [*explain, option, "-1"]
    yield "ranges without end", [*explain, "--maps", "0-18446744073709551615"]


def told(status, message):
    """What is wrong with how a command ended, if anything is."""
    if status is None:
        return "does not end"
    if status < 0 or status > 2:
        return f"ends with {status}: {message[:100]}"
    if status and not message.startswith("error: "):
        return f"says no error: {message[:100]}"
    if len(message.encode()) > 5_000:
        return f"says {len(message)} letters"
    if any(unicodedata.category(letter) == "Cc" for letter in message.replace("\n", "")):
        return f"says control characters: {message[:100]!r}"
    return None


def attack(wanted):
    """Runs the attacks of these names; yields the name, what is wrong, what was said, and the seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "model.onnx"
        os.mkfifo(folder / "pipe")

        def attempt(name, *arguments):
            status, message, seconds = run(*arguments)
            return name, told(status, message), message, seconds

        for name, arguments in commands(folder):
            if wanted(name):
                yield attempt(name, *arguments)
        for name, arguments in pipes(folder) if wanted("pipes") else ():
            yield attempt(f"pipes: {name}", *arguments)
        for name, ending, content in pictures() if wanted("pictures") else ():
            path = folder / f"picture.{ending}"
            path.write_bytes(content)
            yield attempt(f"pictures: {name}", "explain", path)
        for name, content in broken_files() if wanted("models") else ():
            model.write_bytes(content)
            yield attempt(f"models: {name}", "layers", "--model", model)
        for name, content in models() if wanted("models") else ():
            model.write_bytes(content.SerializeToString())
            yield attempt(f"models: {name}", "layers", "--model", model)
