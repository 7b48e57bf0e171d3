"""One network: built, exported, and its gradients compared at three layers."""

import copy
import json
import pathlib
import subprocess
import tempfile
import time
import warnings

CLASS = 7
TOLERANCE = 1e-4
JITTER = 1e-6  # what float32 loses in a layer
JITTERS = 4


class NotExported(Exception):
    """There is nothing to compare."""


def compare(options, source, name, exporter, seed, row):
    """Fills the row; `row["layers"]` has an entry for each layer."""
    import numpy as np
    import torch

    from condition import condition
    from networks import build, export

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
        model, picture = folder / "model.onnx", folder / "picture.npy"
        np.save(picture, x.numpy())
        try:
            row["by"] = export(network, x, model, exporter)
        except Exception as e:
            raise NotExported(f"{type(e).__name__}: {str(e)[:300]}") from e
        layers = run(options.smoothcam, "layers", "--json", "--model", model)
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
                run(
                    options.smoothcam,
                    "explain",
                    picture,
                    "--model",
                    model,
                    "--method",
                    "grad-cam",
                    "--layer",
                    layer["name"],
                    "--class",
                    CLASS,
                    "--arrays",
                    folder / "a.npz",
                    "-o",
                    folder / "o.png",
                    "--json",
                )
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
    """The picture and three others made of it, normalised; noise, since MaxPool has ties where they are flat."""
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


def run(smoothcam, *arguments):
    done = subprocess.run([smoothcam, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"smoothcam {arguments[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def choose(layers):
    """The default layer (at which noise acts), the first, and one in the middle."""
    features = [l for l in layers if l["feature"] and l["noise_acts"] is not None]
    if not features:
        raise RuntimeError(f"no feature layer among {len(layers)} layers")
    default = ([l for l in features if l["noise_acts"]] or features)[-1]
    below = features[: features.index(default)]
    chosen = [("default", default)]
    if below:
        chosen.append(("early", below[0]))
    if len(below) > 2:
        chosen.append(("middle", below[len(below) // 2]))
    return chosen


def judge(network, x, scores, found):
    """Writes the errors into the results; returns that of the scores."""
    from reference import gradients

    targets = [target for _, _, target in found]
    expected, candidates = gradients(network, x, targets, CLASS)
    places = []
    for (result, d1, _), at in zip(found, candidates):
        errors = [difference(d1, g) for g in at]
        places.append(min(range(len(at)), key=lambda i: errors[i][0], default=None))
        if at:
            result["error"], result["norm_error"] = errors[places[-1]]
        else:
            result["error_message"] = "no tensor in PyTorch equals the activations"
    if any(result.get("error", 0) > TOLERANCE for result, _, _ in found):
        judge_in_float64(network, x, targets, found, places)
    return difference(scores, expected)[0]


def judge_in_float64(network, x, targets, found, places):
    """The errors against PyTorch in float64, and how far PyTorch's own float32 is from that.

    Units of ReLU and MaxPool whose inputs lie closer together than float32 can tell switch; how much that alone
    changes shows if weights and input are disturbed by float32's precision.
    """
    import torch

    from reference import gradients

    def at_places(network, x):
        at = gradients(network, x, targets, CLASS)[1]
        return [g[p] if p is not None and p < len(g) else None for g, p in zip(at, places)]

    exact = at_places(in_float64(network), x.double())
    for (result, d1, _), e in zip(found, exact):
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
        for (result, _, _), e, g in zip(found, exact, at_places(disturbed, x * (1 + amount * torch.randn_like(x)))):
            if e is not None and g is not None:
                error, norm_error = difference(g, e)
                result["spread"] = max(error, result["spread"])
                result["norm_spread"] = max(norm_error, result["norm_spread"])


def in_float64(network):
    double = copy.deepcopy(network).double()
    for layer in getattr(double, "layers", []):  # Keras's, which cast to their own type
        if hasattr(layer, "dtype_policy"):
            layer.dtype_policy = "float64"
    for tensor in getattr(double, "inputs", []):
        tensor._dtype = "float64"
    return double


def difference(a, b):
    """The largest, relative to the largest magnitude; and the same in norm."""
    import numpy as np

    largest, norm = float(np.abs(b).max()) or 1.0, float(np.linalg.norm(b)) or 1.0
    return float(np.abs(a - b).max()) / largest, float(np.linalg.norm(a - b)) / norm
