"""Make the golden networks: `crates/smoothcam/tests/networks/`.

    python -m venv .venv && .venv/bin/pip install -r tools/requirements.txt
    .venv/bin/python tools/make_golden_networks.py            # make them all, then check
    .venv/bin/python tools/make_golden_networks.py --check    # check the files that are there

Each network is a torchvision classifier of full size, as a pair of files: `<name>.onnx` and `<name>.json`, the
expected score, activations and gradients.  The gradients are PyTorch autograd's, in float64.  To keep the files
small, the parameters of more than 256 elements are not stored: their TensorProto keeps name, dims and data_type but
has no data, and the JSON's `weights` names each and gives the scale and the shift by which to compute it:

    element i of tensor NAME = float32(scale * u(NAME, i) + shift)
    u(NAME, i) = (splitmix64(fnv1a64(NAME) + i) >> 40) / 2^23 - 1

- i counts the elements in row-major order, + wraps around at 2^64;
- fnv1a64: the 64-bit FNV-1a hash of the name's UTF-8 bytes;
- splitmix64(x): z = x + 0x9E3779B97F4A7C15; z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB; z ^ (z >> 31), all modulo 2^64.

u is one of 2^24 values in [-1, 1), exact in float32.  A scale has at most 10 significant bits, so scale * u is
exact in float64; so is adding the shift (which is 0 or 1, or the scale is 0).  The only rounding is the one to
float32: every language gets the same bits.  The input is computed in the same way, with the JSON's `input` giving
the name that is hashed, the scale and no shift.

`torch_float32_error` says how far PyTorch's own float32 autograd is from the golden values: the largest difference
over the largest magnitude; `torch_float32_l2_error` the same in Euclidean norms.  Most are below 1e-6.  Where a
ReLU's or a MaxPool's inputs lie closer together than float32 can tell, one unit switches and some gradients change
visibly, in every engine at another place: up to 1e-2 by norm.  VGG-11 has millions of units, and got an input at
which none switches.

Scales are chosen so that every convolution's and linear layer's response has a root mean square of about 1:
activations and gradients neither explode nor vanish.
"""

import argparse
import copy
import json
import math
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torchvision

STORED_AT_MOST = 256  # elements of a parameter that is stored
CLASS = 281
INPUT_SCALE = 2.0
INPUT_NAMES = {"vgg11": "input 2"}  # of the networks whose input is not just called "input"
SAMPLES = 64
NO_AUX = {"aux_logits": False, "init_weights": False}

# torchvision's name -> (options, side of the input, three modules: early, middle, last)
ARCHITECTURES = {
    "resnet18": ({}, 96, ["layer1.0", "layer2.1", "layer4.1"]),
    "vgg11": ({}, 224, ["features.2", "features.9", "features.19"]),  # other sides: AdaptiveAvgPool won't export
    "mobilenet_v2": ({}, 96, ["features.2", "features.10", "features.18"]),
    "efficientnet_b0": ({}, 96, ["features.2", "features.5", "features.8"]),
    "densenet121": ({}, 96, ["features.denseblock1", "features.denseblock3", "features.denseblock4"]),
    "squeezenet1_1": ({}, 96, ["features.3", "features.7", "features.12"]),
    "googlenet": (NO_AUX, 96, ["inception3a", "inception4c", "inception5b"]),
    "inception_v3": (NO_AUX, 128, ["Mixed_5b", "Mixed_6b", "Mixed_7c"]),
}
# The TorchScript exporter leaves BatchNormalization in the graph here, the dynamo exporter folds it.
NETWORKS = [(name, "torchscript") for name in ARCHITECTURES]
NETWORKS += [(name, "dynamo") for name in ("resnet18", "mobilenet_v2", "densenet121")]


# ---- The formula ----------------------------------------------------------------------------------------------


def fnv1a64(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def uniform(name, shape):
    """u(name, i) of the module's docstring, as float64."""
    z = np.arange(math.prod(shape), dtype=np.uint64)
    z += np.uint64((fnv1a64(name) + 0x9E3779B97F4A7C15) % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1).reshape(shape)


def formula(name, shape, scale, shift=0.0):
    return (scale * uniform(name, shape) + shift).astype(np.float32)


def ten_bits(x):
    """x rounded to 10 significant bits."""
    mantissa, exponent = math.frexp(x)
    return math.ldexp(round(mantissa * 1024), exponent - 10)


# ---- The PyTorch models ---------------------------------------------------------------------------------------


def build(architecture, exporter):
    """The float32 model with its weights set, the input, and {parameter name: (scale, shift)}."""
    options, side, _ = ARCHITECTURES[architecture]
    model = getattr(torchvision.models, architecture)(weights=None, **options).eval()
    x = torch.from_numpy(formula(INPUT_NAMES.get(architecture, "input"), (1, 3, side, side), INPUT_SCALE))
    recipe = {}
    for name, module in model.named_modules():
        if hasattr(module, "inplace"):
            module.inplace = False  # or it would overwrite the activations that are looked at
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            recipe[f"{name}.weight"] = (1.0, 0.0)
            if module.bias is not None:
                recipe[f"{name}.bias"] = (0.09375, 0.0)
        elif isinstance(module, torch.nn.BatchNorm2d):
            # For the exporter that folds: gamma / sqrt(var + eps) is exactly 1 in float32, so that folding leaves
            # the convolution's weights as the formula has them.
            folds = exporter == "dynamo"
            recipe[f"{name}.weight"] = (0.0 if folds else 0.5, 1.0)
            recipe[f"{name}.bias"] = (0.25, 0.0)
            recipe[f"{name}.running_mean"] = (0.25, 0.0)
            recipe[f"{name}.running_var"] = (0.0, 1.0 - module.eps) if folds else (0.5, 1.0)
    load(model, recipe)

    # One float64 pass with unit scales finds the scales: each layer's output is brought to 1 as it is computed.
    def rescale(name):
        def hook(module, _, out):
            bias = 0 if module.bias is None else module.bias.reshape(-1, *[1] * (out.dim() - 2))
            response = out - bias
            scale = ten_bits(1 / response.square().mean().sqrt().item())
            recipe[f"{name}.weight"] = (scale, 0.0)
            return response * scale + bias

        return hook

    probe = copy.deepcopy(model).double()
    for name, module in probe.named_modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(rescale(name))
    with torch.no_grad():
        probe(x.double())
    load(model, recipe)
    return model, x, recipe


def load(model, recipe):
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            tensor.copy_(torch.from_numpy(formula(name, tuple(tensor.shape), *recipe[name])))


def differentiate(model, x, modules):
    """The class's score, and per module its activation and the score's gradient with respect to it."""
    found = {}

    def keep(name):
        def hook(_module, _inputs, out):
            out.retain_grad()
            found[name] = out

        return hook

    hooks = [model.get_submodule(name).register_forward_hook(keep(name)) for name in modules]
    score = model(x.requires_grad_())[0, CLASS]
    score.backward()
    for hook in hooks:
        hook.remove()
    return score.item(), {name: (out.detach().numpy(), out.grad.numpy()) for name, out in found.items()}


# ---- ONNX -----------------------------------------------------------------------------------------------------


def export(model, x, exporter, path):
    if exporter == "dynamo":  # fixed batch size
        options = {"dynamo": True, "opset_version": 18, "external_data": False, "verbose": False}
    else:
        options = {
            "dynamo": False,
            "opset_version": 17,
            "training": torch.onnx.TrainingMode.EVAL,
            "do_constant_folding": False,  # keeps BatchNormalization and the parameters' names
            "dynamic_axes": {"input": {0: "batch"}, "logits": {0: "batch"}},
        }
    torch.onnx.export(model, (x,), path, input_names=["input"], output_names=["logits"], **options)
    exported = onnx.load(path)
    # Stack traces would put this machine's paths into the file; the module names are what a user's file has too.
    for holder in [exported.graph, *exported.graph.node, *exported.graph.value_info, *exported.graph.initializer]:
        holder.doc_string = ""
        kept = [p for p in holder.metadata_props if p.key == "pkg.torch.onnx.name_scopes"]
        del holder.metadata_props[:]
        holder.metadata_props.extend(kept)
    return exported


def strip(model, recipe):
    """Take out the large tensors' data; returns how to make each."""
    weights = []
    for tensor in model.graph.initializer:
        if tensor.name in recipe and math.prod(tensor.dims) > STORED_AT_MOST:
            data, (scale, shift) = onnx.numpy_helper.to_array(tensor), recipe[tensor.name]
            assert (data == formula(tensor.name, data.shape, scale, shift)).all(), tensor.name
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
            weights.append({"name": tensor.name, "scale": scale, "shift": shift})
    return weights


def fill(model, weights):
    """The inverse of `strip`."""
    recipe = {weight["name"]: (weight["scale"], weight["shift"]) for weight in weights}
    for tensor in model.graph.initializer:
        if tensor.name in recipe:
            tensor.raw_data = formula(tensor.name, tuple(tensor.dims), *recipe[tensor.name]).tobytes()


def run(model, x, values):
    """Run the model in ONNX Runtime, with `values` as its outputs."""
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=value) for value in values)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(values, {"input": x})


def find_values(model, x, activations):
    """For each module, the name of the ONNX value that is its output: the last one equal to it."""
    names = [node.output[0] for node in model.graph.node if node.op_type != "Constant"]
    found = {}
    for name, value in zip(names, run(model, x, names)):
        for module, activation in activations.items():
            if value.shape == activation.shape and error(value, activation) < 1e-4:
                found[module] = name
    return found


def error(got, want):
    """The largest difference, relative to the largest magnitude."""
    return float(np.abs(got - want).max() / np.abs(want).max())


def l2_error(got, want):
    """The Euclidean norm of the difference, relative to that of what is wanted."""
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))


# ---- The golden files -----------------------------------------------------------------------------------------


def number(x, digits=9):
    return float(f"{x:.{digits}g}")


def samples(array, by):
    """[flat index, value] pairs: a quarter where `by` is largest in magnitude, the others spread evenly."""
    flat, size = array.reshape(-1), array.size
    largest = np.argsort(-np.abs(by.reshape(-1)), kind="stable")[: SAMPLES // 4]
    spread = np.linspace(0, size - 1, SAMPLES - len(largest)).astype(int)
    return [[int(i), number(flat[i])] for i in sorted({*largest.tolist(), *spread.tolist()})]


def make(architecture, exporter, out):
    name = f"{architecture}-{exporter}"
    modules = ARCHITECTURES[architecture][2]
    model, x, recipe = build(architecture, exporter)
    score, reference = differentiate(copy.deepcopy(model).double(), x.double(), modules)
    score32, single = differentiate(copy.deepcopy(model), x.clone(), modules)

    path = out / f"{name}.onnx"
    exported = export(model, x, exporter, path)
    values = find_values(copy.deepcopy(exported), x.numpy(), {m: a for m, (a, _) in single.items()})
    layers = []
    for module in modules:
        activation, gradient = reference[module]
        layers.append(
            {
                "module": module,
                "value": values[module],
                "shape": list(gradient.shape),
                "gradient": {
                    "max_abs": number(np.abs(gradient).max()),
                    "sum": number(gradient.sum()),
                    "sum_abs": number(np.abs(gradient).sum()),
                    "torch_float32_error": number(error(single[module][1], gradient), 2),
                    "torch_float32_l2_error": number(l2_error(single[module][1], gradient), 2),
                    "samples": samples(gradient, gradient),
                },
                "activation": {
                    "max_abs": number(np.abs(activation).max()),
                    "sum": number(activation.sum()),
                    "torch_float32_error": number(error(single[module][0], activation), 2),
                    "samples": samples(activation, activation),
                },
            }
        )
        print(
            f"{name} {module} = {values[module]} {list(gradient.shape)}: gradient up to {np.abs(gradient).max():.2g}, "
            f"float32 autograd off by {error(single[module][1], gradient):.1e}, "
            f"by norm {l2_error(single[module][1], gradient):.1e}; activation up to {np.abs(activation).max():.2g}"
        )
    golden = {
        "network": architecture,
        "exporter": exporter,
        "torch": torch.__version__.split("+")[0],
        "torchvision": torchvision.__version__.split("+")[0],
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
    """JSON with what is short, and the samples, on one line."""
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
    """Fill a stripped model and compare ONNX Runtime's score and activations with the golden ones."""
    golden = json.loads(path.read_text())
    model = onnx.load(path.with_suffix(".onnx"))
    fill(model, golden["weights"])
    x = formula(golden["input"]["name"], tuple(golden["input"]["shape"]), golden["input"]["scale"])
    logits, *activations = run(model, x, ["logits"] + [layer["value"] for layer in golden["layers"]])
    score = float(logits[0, golden["class"]])
    worst = abs(score - golden["score"]) / float(np.abs(logits).max())
    for layer, activation in zip(golden["layers"], activations):
        assert list(activation.shape) == layer["shape"]
        index, want = (np.array(column) for column in zip(*layer["activation"]["samples"]))
        got = activation.reshape(-1)[index.astype(int)]
        worst = max(worst, float(np.abs(got - want).max()) / layer["activation"]["max_abs"])
    print(f"{path.stem}: score {score:.6f} for {golden['score']:.6f}, largest relative error {worst:.1e}")
    assert worst < 1e-4


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(__file__).parent.parent / "crates" / "smoothcam" / "tests" / "networks"
    parser.add_argument("--out", type=Path, default=default, help="folder to write")
    parser.add_argument("--check", action="store_true", help="only check the files that are there")
    parser.add_argument("--only", metavar="NAME", help="only the networks whose name starts so")
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
