"""Compares the metrics of `smoothcam evaluate` with those of established packages on the same maps.

    python -m venv .venv && .venv/bin/pip install -r tools/check_metrics.txt
    .venv/bin/python tools/check_metrics.py FOLDER [--pictures 20]

FOLDER has pictures and their COCO annotations, as `tools/make_scenes.py` writes them. ONNX Runtime runs the bundled
model. These metrics are compared for each picture:

- Average Drop and Increase in Confidence with torch-cam's ClassificationMetric;
- Insertion and Deletion with torch-cam's DeletionInsertionMetric (RISE's blurred baseline for the first);
- ROAD with pytorch-grad-cam's ROADCombined (whose noise is random, so values agree to about 1e-3 only);
- the pointing game with Quantus's PointingGame.

Maps come from `smoothcam explain --arrays`. PyTorch interpolates them, and they are divided by their maximum.
"""

import argparse
import contextlib
import csv
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import onnxruntime
import torch
from pycocotools.coco import COCO
from pytorch_grad_cam.metrics.road import ROADCombined
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget
from quantus import PointingGame
from torchcam.metrics import ClassificationMetric, DeletionInsertionMetric

ROOT = pathlib.Path(__file__).resolve().parent.parent
SMOOTHCAM = ROOT / "target" / "release" / "smoothcam"
MODEL = ROOT / "models" / "efficientnet-lite0" / "model.onnx"
METHODS = ["grad-cam", "layer-cam"]
LAYER = "blocks.14"
STEPS = 20


class Classifier(torch.nn.Module):
    """Wraps the bundled model as a PyTorch module."""

    def __init__(self):
        super().__init__()
        self.session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def forward(self, x):
        scores = [self.session.run(None, {self.input: one[None].numpy()})[0] for one in x.detach()]
        return torch.from_numpy(np.concatenate(scores))


class FixedMap:
    """Passes a given map to torch-cam's metrics, which expect an extractor of maps."""

    def __init__(self, model, cam):
        self.model, self.cam = model, cam

    def __call__(self, *_, **__):
        return [self.cam]

    def fuse_cams(self, cams):
        return cams[0]

    def _hooks_off(self):
        return contextlib.nullcontext()


def softmax(scores):
    """Converts scores to probabilities along the last axis."""
    return torch.softmax(scores, dim=-1)


def blur(x):
    """Blurs an input as RISE does for insertion: by a Gaussian of 11 pixels, sigma 5, with zeros beyond the border."""
    offsets = torch.arange(11) - 5.0
    kernel = torch.exp(-0.5 * (offsets / 5) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, 11, 1).repeat(3, 1, 1, 1)
    x = torch.nn.functional.conv2d(x, kernel, padding=(5, 0), groups=3)
    return torch.nn.functional.conv2d(x, kernel.transpose(2, 3), padding=(0, 5), groups=3)


def smoothcam(*arguments):
    """Runs the command and returns what it prints."""
    return subprocess.run([SMOOTHCAM, *map(str, arguments)], check=True, capture_output=True).stdout


def expected_values(model, picture, method, coco, folder):
    """Returns the packages' values for the map of a picture."""
    what = ["--method", method, "--layer", LAYER]
    where = ["-o", folder / "o.png", "--arrays", folder / "a.npz"]
    record = json.loads(smoothcam("explain", picture, *what, *where, "--json"))
    arrays = np.load(folder / "a.npz")
    x, target = torch.from_numpy(arrays["input"]), record["classes"][0]["class"]
    cam = torch.from_numpy(arrays["map"])[None]
    cam = torch.nn.functional.interpolate(cam[None], x.shape[2:], mode="bilinear", align_corners=False)[0].clamp(min=0)
    cam = cam / cam.max()

    confidence = ClassificationMetric(FixedMap(model, cam), softmax)
    confidence.update(x, target)
    found = confidence.summary()
    values = {"average-drop": found["avg_drop"], "increase": found["conf_increase"]}
    deletion = DeletionInsertionMetric(FixedMap(model, cam), softmax, steps=STEPS)
    deletion.update(x, target)
    insertion = DeletionInsertionMetric(FixedMap(model, cam), softmax, steps=STEPS, baseline=blur)
    insertion.update(x, target)
    values["deletion"] = next(v for k, v in deletion.summary().items() if "del" in k)
    values["insertion"] = next(v for k, v in insertion.summary().items() if "ins" in k)
    # Pixels with equal values, those without evidence, are removed in reading order instead of all at once.
    untied = cam.double().numpy() - 1e-9 * np.arange(cam.numel()).reshape(cam.shape) / cam.numel()
    road = ROADCombined(percentiles=[10, 20, 30, 40, 50, 60, 70, 80, 90])
    values["road"] = float(road(x, untied, [ClassifierOutputSoftmaxTarget(target)], model)[0])
    mask = mask_of(coco, picture.name, record["classes"][0]["label"])
    if mask is not None:
        game = PointingGame(disable_warnings=True, display_progressbar=False)
        inside = in_input(mask, record["seen"], x.shape[2:])
        score = game(
            model=model,
            x_batch=x.numpy(),
            y_batch=np.array([target]),
            a_batch=cam.numpy()[None],
            s_batch=inside[None, None],
            device="cpu",
            channel_first=True,
        )
        values["pointing"] = float(np.ravel(score)[0])
    return values


def in_input(mask, seen, size):
    """Samples the mask at the centre of each pixel of the model's input."""
    rows, columns = size
    ys = (seen["y"] + (np.arange(rows) + 0.5) * seen["height"] / rows).astype(int).clip(0, mask.shape[0] - 1)
    xs = (seen["x"] + (np.arange(columns) + 0.5) * seen["width"] / columns).astype(int).clip(0, mask.shape[1] - 1)
    return mask[np.ix_(ys, xs)]


def mask_of(coco, name, label):
    """Returns the union of the class's masks in a picture; None if it has none."""
    image = next(i for i in coco.imgs.values() if i["file_name"] == name)
    found = coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))
    masks = [coco.annToMask(a) for a in found if coco.cats[a["category_id"]]["name"] == label]
    return np.maximum.reduce(masks) if masks else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--pictures", type=int, default=20)
    options = parser.parse_args()
    annotations = next(options.folder.glob("*.json"))
    coco, model = COCO(annotations), Classifier()
    differences = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        pictures = ["--objects", annotations, "--pictures", options.pictures]
        maps = ["--methods", ",".join(METHODS), "--layers", LAYER]
        metrics = ["--metrics", "confidence,removal,road,objects", "--steps", STEPS]
        outputs = ["--out", folder / "evaluation", "--show", 0]
        smoothcam("evaluate", options.folder, *pictures, *maps, *metrics, *outputs)
        with open(folder / "evaluation" / "results.csv") as file:
            rows = list(csv.DictReader(file))
        titles = list(dict.fromkeys(row["configuration"] for row in rows))
        for row in rows:
            method = METHODS[titles.index(row["configuration"])]
            for name, value in expected_values(model, options.folder / row["name"], method, coco, folder).items():
                if row.get(name):
                    differences.setdefault(name, []).append(abs(value - float(row[name])))
    print(f"{'metric':<16}{'maps':>6}{'largest difference':>22}{'mean':>12}")
    for name, values in differences.items():
        print(f"{name:<16}{len(values):>6}{max(values):>22.1e}{np.mean(values):>12.1e}")


if __name__ == "__main__":
    main()
