"""Checks exported models in ONNX Runtime.

    python tools/check_exports [--keep FOLDER | --speed] [MODEL.onnx ...]

Each model is exported in several ways. The file must pass ONNX's full check and strict shape inference, have standard
operators only (and the source's own), and compute the source's outputs bit by bit and the map of `smoothcam explain`,
for one picture and for several at once. Needs numpy, onnx and onnxruntime, and smoothcam built in release mode (or
another program that SMOOTHCAM names).

With --speed, the times of exported models are compared with those of `explain`, both on one thread of ONNX Runtime.
With --keep, models, inputs and expected maps are stored in a folder to check other engines with: see README.md.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

HERE = Path(__file__).resolve().parents[2]
SMOOTHCAM = os.environ.get("SMOOTHCAM", str(HERE / "target/release/smoothcam"))
# As a share of the map's maximum.
TOLERANCE = 1e-4
# The ways to export a model: flags of `smoothcam export`.
WAYS = [
    [],
    ["--method", "grad-cam"],
    ["--method", "grad-cam++", "--signed"],
    ["--method", "layer-cam", "--samples", "3", "--sigma", "0.1", "--seed", "7"],
    ["--method", "sensitivity", "--resolution", "input", "--normalized"],
]


def smoothcam(*arguments):
    """Runs the command, with the ONNX Runtime of this Python, and returns what it prints."""
    library = {"ORT_DYLIB_PATH": str(Path(onnxruntime.__file__).parent / "capi")}
    command = [SMOOTHCAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | library)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def session(path):
    """Loads a model in ONNX Runtime."""
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def foreign(path):
    """Returns the domain, operator and name of each node whose operator is not one of ai.onnx."""
    nodes = onnx.load(path, load_external_data=False).graph.node
    return {(n.domain, n.op_type, n.name) for n in nodes if n.domain not in ("", "ai.onnx")}


def explain(model, picture, way):
    """Returns the map that `smoothcam explain` computes for a preprocessed input."""
    folder = Path(picture).parent
    flags = [f for f in way if f not in ("--resolution", "input", "--normalized")]
    outputs = ["-o", folder / "overlay.png", "--arrays", folder / "arrays.npz"]
    smoothcam("explain", picture, "--model", model, *outputs, "--engine", "onnxruntime", *flags)
    return np.load(folder / "arrays.npz")["map"]


def at_input(cells, size):
    """Interpolates a map linearly between the centres of its cells."""
    for axis, pixels in enumerate(size):
        count = cells.shape[axis]
        place = np.clip((np.arange(pixels) + 0.5) / pixels * count - 0.5, 0, count - 1)
        before = place.astype(int)
        after = np.minimum(before + 1, count - 1)
        share = np.expand_dims(place - before, 1 - axis)
        cells = cells.take(before, axis) * (1 - share) + cells.take(after, axis) * share
    return cells


def keep(folder, model, image, picture, map_):
    """Stores a case for other engines: the source, the exported model, an input and its map.

    The source's input gets the size of the exported model's: engines that choose a memory layout by the size may round
    differently where it is open.
    """
    source = onnx.load(model)
    dims = next(i for i in source.graph.input if i.name == image.name).type.tensor_type.shape.dim
    for dim, size in list(zip(dims, picture.shape, strict=True))[1:]:
        dim.Clear()
        dim.dim_value = size
    onnx.save(source, folder / "source.onnx")
    picture.astype(np.float32).tofile(folder / "input.f32")
    map_.astype(np.float32).tofile(folder / "map.f32")
    case = {"input": image.name, "shape": list(picture.shape)}
    (folder / "case.json").write_text(json.dumps(case))
    for name in ["overlay.png", "arrays.npz", "picture.npy", "inferred.onnx"]:
        (folder / name).unlink(missing_ok=True)


def check(model, way, folder):
    """Checks one way to export a model; returns what was found."""
    exported = str(folder / "explained.onnx")
    smoothcam("export", model, "-o", exported, "--engine", "onnxruntime", *way)
    onnx.checker.check_model(exported, full_check=True)
    onnx.shape_inference.infer_shapes_path(exported, str(folder / "inferred.onnx"), strict_mode=True)
    assert foreign(exported) <= foreign(model), "there are operators that are not standard"
    own, explains = session(model), session(exported)
    [image] = own.get_inputs()
    outputs = [o.name for o in own.get_outputs()]
    assert [i.name for i in explains.get_inputs()] == [image.name]
    assert [o.name for o in explains.get_outputs()] == [*outputs, "saliency"]
    shape = explains.get_inputs()[0].shape
    free = not isinstance(shape[0], int)
    random = np.random.default_rng(1)
    count = 3 if free else shape[0]
    pictures = random.normal(size=[count, *shape[1:]]).astype(np.float32)
    pictures = (pictures * random.uniform(0.2, 2.0, [count, 1, 1, 1])).astype(np.float32)
    if "float16" in image.type:
        pictures = pictures.astype(np.float16)
    alone = pictures[:1] if free else pictures
    expected = own.run(outputs, {image.name: alone})
    *found, maps = explains.run(None, {image.name: alone})
    equal = all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))
    apart = max(float(np.abs(a.astype(float) - b).max()) for a, b in zip(expected, found, strict=True))
    every = explains.run(["saliency"], {image.name: pictures})[0]
    errors = []
    for i in range(count):
        np.save(folder / "picture.npy", pictures[i : i + 1].astype(np.float32))
        map_ = explain(model, folder / "picture.npy", way)
        if "--normalized" in way and np.abs(map_).max() > 0:
            map_ = map_ / np.abs(map_).max()
        if "input" in way:
            map_ = at_input(map_.astype(float), every.shape[1:])
        peak = np.abs(map_).max() or 1.0
        errors.append(float(np.abs(every[i] - map_).max() / peak))
        if i == 0:
            errors.append(float(np.abs(maps[0] - map_).max() / peak))
            first = map_
    keep(folder, model, image, alone, first)
    return {
        "predictions": "equal" if equal else f"{apart:.1e} apart",
        "error": max(errors),
        "pictures": "any" if free else count,
    }


def speed(model, way, folder):
    """Measures the milliseconds of a run of the exported model, and of an explanation."""
    exported = folder / "explained.onnx"
    smoothcam("export", model, "-o", exported, "--engine", "onnxruntime", *way)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    ready = onnxruntime.InferenceSession(str(exported), options, providers=["CPUExecutionProvider"])
    image = ready.get_inputs()[0]
    shape = [d if isinstance(d, int) else 1 for d in image.shape]
    picture = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    flags = [f for f in way if f not in ("--resolution", "input", "--normalized")]
    exported_ms, explain_ms = [], []
    for _ in range(3):  # in turn, as processors slow down when they get warm
        for i in range(6):
            started = time.perf_counter()
            ready.run(None, {image.name: picture})
            exported_ms += [1e3 * (time.perf_counter() - started)] if i else []
        measured = json.loads(
            smoothcam(
                "bench", "--model", model, "--engine", "onnxruntime", "--threads", 1, "--repeat", 5, "--json", *flags
            )
        )
        explain_ms.append(measured["explain_ms"]["median"])
    run, explanation = statistics.median(exported_ms), statistics.median(explain_ms)
    return {"exported": round(run, 1), "explain": round(explanation, 1), "ratio": round(run / explanation, 3)}


def main():
    arguments = sys.argv[1:]
    cases = None
    if arguments[:1] == ["--speed"]:
        for model in map(Path, arguments[1:]):
            for way in WAYS[:4]:
                with tempfile.TemporaryDirectory() as folder:
                    print(model.name, *way, json.dumps(speed(model, way, Path(folder))), flush=True)
        return
    if arguments[:1] == ["--keep"]:
        cases = Path(arguments[1])
        arguments = arguments[2:]
    models = [Path(m) for m in arguments] or [HERE / "models/efficientnet-lite0/model.onnx"]
    failed = 0
    for model in models:
        for number, way in enumerate(WAYS):
            with tempfile.TemporaryDirectory() as folder:
                if cases:
                    folder = cases / f"{model.parent.name}-{model.stem}-{number}"
                    folder.mkdir(parents=True, exist_ok=True)
                name = f"{model.parent.name}/{model.name} {' '.join(way) or '(defaults)'}"
                try:
                    result = check(model, way, Path(folder))
                    bad = result["error"] > TOLERANCE or result["predictions"] != "equal"
                except Exception as error:  # printed in one line
                    result, bad = {"error": str(error).splitlines()[0][:300]}, True
                failed += bad
                print("FAILED" if bad else "ok    ", name, json.dumps(result), flush=True)
    sys.exit(failed > 0)


main()
