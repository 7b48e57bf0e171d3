"""Classifies pictures with the bundled model, or measures the model's accuracy.

This checks, independently of smoothcam, the preprocessing that `models/efficientnet-lite0/config.json` describes: it
uses only Pillow, NumPy and ONNX Runtime.

    python -m venv .venv && .venv/bin/pip install -r tools/requirements.txt
    .venv/bin/python tools/classify.py examples/*.jpg
    .venv/bin/python tools/classify.py --accuracy FOLDER

FOLDER holds ImageNet pictures named `<wnid>_<anything>.JPEG`: one for each of the 1000 classes, or one for every k-th
class in the order of the sorted wnids.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image

MODEL_DIR = Path(__file__).parent.parent / "models" / "efficientnet-lite0"


def load_config(model_dir=MODEL_DIR):
    """Reads the model's config.json."""
    return json.loads((model_dir / "config.json").read_text())


def load_session(model_dir=MODEL_DIR):
    """Loads the model in ONNX Runtime."""
    return ort.InferenceSession(model_dir / "model.onnx", providers=["CPUExecutionProvider"])


def preprocess(picture, cfg):
    """Converts a Pillow picture to a (1, 3, height, width) float32 tensor, as timm's evaluation does.

    The shorter side is resized to size / crop_pct, the centre is cropped, and values are scaled to 0..1 and normalised.
    """
    _, height, width = cfg["input_size"]
    assert height == width and cfg["crop_mode"] == "center"
    short = math.floor(height / cfg["crop_pct"])
    picture = picture.convert("RGB")
    w, h = picture.size
    size = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
    picture = picture.resize(size, Image.Resampling[cfg["interpolation"].upper()])
    left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
    picture = picture.crop((left, top, left + width, top + height))
    x = np.asarray(picture, np.float32) / np.float32(255)
    x = (x - np.array(cfg["mean"], np.float32)) / np.array(cfg["std"], np.float32)
    return np.ascontiguousarray(x.transpose(2, 0, 1)[None])


def softmax(logits):
    """Converts logits to probabilities along the last axis."""
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def classify(session, cfg, picture):
    """Returns the probability of each class."""
    return softmax(session.run(["logits"], {"input": preprocess(picture, cfg)})[0])[0]


def accuracy(session, cfg, folder, step):
    """Returns the number of pictures, and the shares whose class is ranked first and among the first five."""
    files = sorted(Path(folder).glob("*.JPEG"))
    ranks = []
    for i, file in enumerate(files):
        p = classify(session, cfg, Image.open(file))
        ranks.append(int((p > p[i * step]).sum()))
    ranks = np.array(ranks)
    return len(files), (ranks == 0).mean(), (ranks < 5).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", help="picture files to classify")
    parser.add_argument("--accuracy", metavar="FOLDER", help="measure the top-1 and top-5 accuracy on a folder")
    parser.add_argument(
        "--interpolation",
        choices=["bilinear", "bicubic"],
        help="the interpolation to use instead of that in config.json",
    )
    args = parser.parse_args()

    config = load_config()
    cfg = config["pretrained_cfg"]
    if args.interpolation:
        cfg["interpolation"] = args.interpolation
    session = load_session()
    for file in args.pictures:
        p = classify(session, cfg, Image.open(file))
        best = ", ".join(f"{config['label_names'][i]} {p[i]:.3f}" for i in np.argsort(-p)[:5])
        print(f"{file}: {best}")
    if args.accuracy:
        step = config["num_classes"] // len(list(Path(args.accuracy).glob("*.JPEG")))
        count, top1, top5 = accuracy(session, cfg, args.accuracy, step)
        print(f"{count} pictures, {cfg['interpolation']}: top-1 {top1:.3f}, top-5 {top5:.3f}")


if __name__ == "__main__":
    main()
