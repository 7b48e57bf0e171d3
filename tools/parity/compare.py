"""Compares the gradients of one network at three layers."""

import copy
import json
import pathlib
import subprocess
import tempfile
import time
import warnings

CLASS = 7
TOLERANCE = 1e-4
JITTER = 1e-6  # the relative error of float32 in one layer
JITTERS = 4


class NotExported(Exception):
    """The network cannot be exported, so there is nothing to compare."""


def compare(options, source, name, exporter, seed, row):
    """Fills in the row of one network; `row["layers"]` gets an entry for each layer."""
    import numpy as np
    import torch

    from build import build, export
    from condition import condition

    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    network, size, note = build(source, name, options.size, seed)
    row |= {"size": size, "note": note, "parameters": sum(p.numel() for p in network.parameters())}
    pictures = crops(options.picture, size)
    if source == "keras":
        pictures = pictures.permute(0, 2, 3, 1).contiguous()
    condition(network, pictures)
    x = pictures[:1]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        np.save(folder / "picture.npy", x.numpy())
        try:
            row["by"] = export(network, x, folder / "model.onnx", exporter)
        except Exception as e:
            raise NotExported(f"{type(e).__name__}: {str(e)[:300]}") from e
        layers = run(options.smoothcam, folder, "layers", "--json", "--model", "model.onnx")
        found = []
        for role, layer in choose(layers):
            result = {
                "role": role,
                "layer": layer["name"],
                "module": layer.get("module"),
                "maps": layer["maps"],
                "grid": [layer["height"], layer["width"]],
                "axes": layer["axes"],
            }
            row["layers"].append(result)
            before = time.time()
            try:
                what = ["--model", "model.onnx", "--method", "grad-cam", "--layer", layer["name"], "--class", CLASS]
                outputs = ["--arrays", "a.npz", "-o", "o.png", "--json"]
                run(options.smoothcam, folder, "explain", "picture.npy", *what, *outputs)
            except RuntimeError as e:
                result["error_message"] = str(e)
                continue
            result["seconds"] = round(time.time() - before, 2)
            with np.load(folder / "a.npz") as arrays:
                skip = layer["axes"]["tokens"]["skip"] if isinstance(layer["axes"], dict) else 0
                found.append((result, arrays["d1"].astype(np.float64), (arrays["activations"], skip)))
                scores = arrays["scores"]
    if found:
        row["score_error"] = judge(network, x, scores, found)


def crops(path, size):
    """Returns a normalised batch of the picture and three variants; noise avoids ties of MaxPool in flat areas."""
    import numpy as np
    import torch
    from PIL import Image

    picture = Image.open(path).convert("RGB")
    pictures = [
        picture,
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        picture.crop((0, 0, 200, 200)),
        picture.rotate(180),
    ]
    arrays = [np.array(p.resize((size, size)), np.float32) / 58 - 2.1 for p in pictures]
    pictures = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()
    return pictures + 0.3 * torch.randn_like(pictures)


def run(smoothcam, folder, *arguments):
    """Runs the command in a folder and returns what it prints as JSON."""
    done = subprocess.run([smoothcam, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"smoothcam {arguments[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def choose(layers):
    """Chooses the default layer with noise, the first layer, and one in the middle."""
    features = [layer for layer in layers if layer["feature"] and layer["noise_acts"] is not None]
    if not features:
        raise RuntimeError(f"no feature layer among {len(layers)} layers")
    default = ([layer for layer in features if layer["noise_acts"]] or features)[-1]
    below = features[: features.index(default)]
    chosen = [("default", default)]
    if below:
        chosen.append(("early", below[0]))
    if len(below) > 2:
        chosen.append(("middle", below[len(below) // 2]))
    return chosen


def judge(network, x, scores, found):
    """Writes the errors of the gradients into the results, and returns the error of the scores."""
    from reference import gradients

    targets = [target for _, _, target in found]
    expected, candidates = gradients(network, x, targets, CLASS)
    best = []  # for each layer, the index of the candidate that fits best
    for (result, d1, _), tensors in zip(found, candidates, strict=True):
        errors = [difference(d1, g) for g in tensors]
        best.append(min(range(len(tensors)), key=lambda i: errors[i][0], default=None))
        if tensors:
            result["error"], result["norm_error"] = errors[best[-1]]
        else:
            result["error_message"] = "no tensor in PyTorch equals the activations"
    if any(result.get("error", 0) > TOLERANCE for result, _, _ in found):
        judge_in_float64(network, x, targets, found, best)
    return difference(scores, expected)[0]


def judge_in_float64(network, x, targets, found, best):
    """Writes the errors against PyTorch in float64, and those of PyTorch's own float32, into the results.

    Units of ReLU and MaxPool whose inputs are closer together than float32 can resolve switch. How much that alone
    changes is measured by disturbing weights and input by the precision of float32.
    """
    import torch

    from reference import gradients

    def at_best(network, x):
        candidates = gradients(network, x, targets, CLASS)[1]
        pairs = zip(candidates, best, strict=True)
        return [g[i] if i is not None and i < len(g) else None for g, i in pairs]

    exact = at_best(in_float64(network), x.double())
    for (result, d1, _), e in zip(found, exact, strict=True):
        if e is not None:
            result["error64"], result["norm_error64"] = difference(d1, e)
            result["spread"] = result["norm_spread"] = 0.0
    if not any(result.get("error64", 0) > TOLERANCE for result, _, _ in found):
        return
    for seed in range(1 + JITTERS):
        torch.manual_seed(seed)
        amount = JITTER if seed else 0
        disturbed = copy.deepcopy(network)
        with torch.no_grad():
            for p in disturbed.parameters():
                if p.is_floating_point():
                    p.mul_(1 + amount * torch.randn_like(p))
        single = at_best(disturbed, x * (1 + amount * torch.randn_like(x)))
        for (result, _, _), e, g in zip(found, exact, single, strict=True):
            if e is not None and g is not None:
                error, norm_error = difference(g, e)
                result["spread"] = max(error, result["spread"])
                result["norm_spread"] = max(norm_error, result["norm_spread"])


def in_float64(network):
    """Returns a copy of the network in float64."""
    double = copy.deepcopy(network).double()
    for layer in getattr(double, "layers", []):  # layers of Keras cast to their own type
        if hasattr(layer, "dtype_policy"):
            layer.dtype_policy = "float64"
    for tensor in getattr(double, "inputs", []):
        tensor._dtype = "float64"
    return double


def difference(a, b):
    """Returns the largest difference, divided by the largest magnitude of b, and the same in Euclidean norms."""
    import numpy as np

    largest, norm = float(np.abs(b).max()) or 1.0, float(np.linalg.norm(b)) or 1.0
    return float(np.abs(a - b).max()) / largest, float(np.linalg.norm(a - b)) / norm
