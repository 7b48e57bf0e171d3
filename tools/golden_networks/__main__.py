"""Makes networks with expected gradients, which tests compare: `crates/smoothcam/tests/networks/`.

    python -m venv .venv && .venv/bin/pip install -r tools/requirements.txt
    .venv/bin/python tools/golden_networks            # makes all of them, then checks them
    .venv/bin/python tools/golden_networks --check    # only checks the existing files

Each network is a torchvision classifier, or one of timm's with fewer blocks. It has two files: `<name>.onnx`, and
`<name>.json` with the expected score, activations and gradients, which PyTorch's autograd computed in float64. To keep
the files small, parameters of more than 256 elements are not stored: their TensorProto has name, dims and data_type but
no data. The JSON's `weights` has the name of each, and the scale and shift by which to compute it:

    element i of tensor NAME = float32(scale * u(NAME, i) + shift)
    u(NAME, i) = (splitmix64(fnv1a64(NAME) + i) >> 40) / 2^23 - 1

- NAME is the tensor's name; or, where there is `transpose_of`, the name given there, and the tensor is the transpose;
- i is the index of the element in row-major order, + wraps around at 2^64;
- fnv1a64: the 64-bit FNV-1a hash of the name's UTF-8 bytes;
- splitmix64(x): z = x + 0x9E3779B97F4A7C15; z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB; z ^ (z >> 31), all modulo 2^64.

u is one of 2^24 values in [-1, 1), exact in float32. A scale has at most 10 significant bits, so scale * u is exact in
float64, and so is adding the shift (which is 0 or 1, or the scale is 0). Only the conversion to float32 rounds, so all
languages compute the same bits. The input is computed in the same way: the JSON's `input` has the name that is hashed
and the scale; there is no shift.

`torch_float32_error` is the error of PyTorch's own autograd in float32: the largest difference to the expected values,
divided by their largest magnitude; `torch_float32_l2_error` is the same in Euclidean norms. Most are below 1e-6. Where
inputs of a ReLU or MaxPool are closer together than float32 can resolve, a unit switches and some gradients change
visibly (up to 1e-2 by norm), in each engine at another place. VGG-11, with millions of units, has an input for which
none switches.

Scales are chosen so that the output of every convolution and linear layer has a root mean square of about 1. Thus
activations and gradients neither explode nor vanish.
"""

import argparse
import copy
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import timm
import torch
import torchvision

from files import error, export, fill, find_values, l2_error, run, strip
from formula import formula
from networks import ARCHITECTURES, CLASS, INPUT_NAMES, INPUT_SCALE, NETWORKS, TIMM, as_maps, build, differentiate

SAMPLES = 64


def number(x, digits=9):
    """Rounds to this many significant digits."""
    return float(f"{x:.{digits}g}")


def samples(array, by):
    """Returns [flat index, value] pairs: a quarter where `by` is largest in magnitude, the others evenly spaced."""
    flat, size = array.reshape(-1), array.size
    largest = np.argsort(-np.abs(by.reshape(-1)), kind="stable")[: SAMPLES // 4]
    spread = np.linspace(0, size - 1, SAMPLES - len(largest)).astype(int)
    return [[int(i), number(flat[i])] for i in sorted({*largest.tolist(), *spread.tolist()})]


def make(architecture, exporter, out):
    """Writes the two files of a network."""
    name = f"{architecture}-{exporter}"
    _, _, modules, place = ARCHITECTURES[architecture]
    model, x, recipe = build(architecture, exporter)
    score, reference = differentiate(copy.deepcopy(model).double(), x.double(), modules)
    score32, single = differentiate(copy.deepcopy(model), x.clone(), modules)

    path = out / f"{name}.onnx"
    exported = export(model, x, exporter, path)
    values = find_values(copy.deepcopy(exported), x.numpy(), {m: a for m, (a, _) in single.items()})
    layers = []
    for module in modules:
        activation, gradient = (as_maps(array, place) for array in reference[module])
        activation32, gradient32 = (as_maps(array, place) for array in single[module])
        layers.append(
            {
                "module": module,
                "value": values[module],
                "shape": list(single[module][0].shape),
                "maps": place,
                "gradient": {
                    "max_abs": number(np.abs(gradient).max()),
                    "sum": number(gradient.sum()),
                    "sum_abs": number(np.abs(gradient).sum()),
                    "torch_float32_error": number(error(gradient32, gradient), 2),
                    "torch_float32_l2_error": number(l2_error(gradient32, gradient), 2),
                    "samples": samples(gradient, gradient),
                },
                "activation": {
                    "max_abs": number(np.abs(activation).max()),
                    "sum": number(activation.sum()),
                    "torch_float32_error": number(error(activation32, activation), 2),
                    "samples": samples(activation, activation),
                },
            }
        )
        print(
            f"{name} {module} = {values[module]} {list(gradient.shape)}: gradient up to {np.abs(gradient).max():.2g}, "
            f"error of float32 autograd {error(gradient32, gradient):.1e}, "
            f"by norm {l2_error(gradient32, gradient):.1e}; activation up to {np.abs(activation).max():.2g}"
        )
    library = timm if architecture in TIMM else torchvision
    golden = {
        "network": architecture,
        "exporter": exporter,
        "torch": torch.__version__.split("+")[0],
        library.__name__: library.__version__.split("+")[0],
        "input": {"name": INPUT_NAMES.get(architecture, "input"), "shape": list(x.shape), "scale": INPUT_SCALE},
        "class": CLASS,
        "score": number(score),
        "torch_float32_score": number(score32),
        "weights": strip(exported, recipe),
        "layers": layers,
    }
    onnx.save(exported, path)
    (out / f"{name}.json").write_text(pretty(golden) + "\n")


def pretty(value, indent=""):
    """Formats JSON with short items, and the samples, on one line each."""
    line = json.dumps(value)
    of_pairs = isinstance(value, list) and isinstance(value[0], list)
    if len(line) <= 100 or of_pairs:
        return line
    deeper = indent + " "
    if isinstance(value, dict):
        parts = [f"{deeper}{json.dumps(key)}: {pretty(item, deeper)}" for key, item in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + pretty(item, deeper) for item in value) + f"\n{indent}]"


def check(path):
    """Compares the score and activations of ONNX Runtime with the expected ones."""
    golden = json.loads(path.read_text())
    model = onnx.load(path.with_suffix(".onnx"))
    fill(model, golden["weights"])
    x = formula(golden["input"]["name"], tuple(golden["input"]["shape"]), golden["input"]["scale"])
    logits, *activations = run(model, x, ["logits"] + [layer["value"] for layer in golden["layers"]])
    score = float(logits[0, golden["class"]])
    worst = abs(score - golden["score"]) / float(np.abs(logits).max())
    for layer, activation in zip(golden["layers"], activations, strict=True):
        assert list(activation.shape) == layer["shape"]
        index, want = (np.array(column) for column in zip(*layer["activation"]["samples"], strict=True))
        got = as_maps(activation, layer.get("maps", "first")).reshape(-1)[index.astype(int)]
        worst = max(worst, float(np.abs(got - want).max()) / layer["activation"]["max_abs"])
    print(f"{path.stem}: score {score:.6f}, expected {golden['score']:.6f}, largest relative error {worst:.1e}")
    assert worst < 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parent.parent.parent / "crates" / "smoothcam" / "tests" / "networks"
    parser.add_argument("--out", type=Path, default=default, help="folder to write to (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="only check the existing files")
    parser.add_argument("--only", metavar="NAME", help="only the networks whose name starts with this")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")

    for architecture, exporter in NETWORKS:
        name = f"{architecture}-{exporter}"
        if name.startswith(args.only or ""):
            if not args.check:
                make(architecture, exporter, args.out)
            check(args.out / f"{name}.json")


if __name__ == "__main__":
    main()
