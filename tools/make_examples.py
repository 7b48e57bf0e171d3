"""Makes the example pictures in `examples/`.

    python -m venv .venv && .venv/bin/pip install -r tools/requirements.txt
    .venv/bin/python tools/make_examples.py

They come from pictures that scikit-image ships and that anyone may use; examples/README.md names their authors and
licences. `cats.jpg` is a composite of one cat in three sizes, once mirrored, which shows whether a method finds every
occurrence of a class. Finally, the script prints the classes that the bundled model predicts for each picture.
"""

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from classify import classify, load_config, load_session

# Three framed prints on a wall: left, top and side of the square print, and whether it is mirrored.
CANVAS = 512
WALL = (226, 222, 214)
PRINTS = [(40, 44, 228, False), (306, 104, 166, True), (172, 318, 148, False)]
FRAME = 8
FACE = (50, 0, 350, 300)  # the cat's face in the photograph: left, top, right, bottom


def cats(photo):
    """Draws three prints of one photograph on a wall, each with a white frame and a soft shadow."""
    shadows = Image.new("L", (CANVAS, CANVAS), 0)
    boxes = [(x - FRAME, y - FRAME, x + side + FRAME, y + side + FRAME) for x, y, side, _ in PRINTS]
    for left, top, right, bottom in boxes:
        ImageDraw.Draw(shadows).rectangle((left + 5, top + 7, right + 5, bottom + 7), fill=110)
    shadows = shadows.filter(ImageFilter.GaussianBlur(6))
    canvas = Image.new("RGB", (CANVAS, CANVAS), WALL)
    canvas.paste((60, 55, 50), mask=shadows)

    face = photo.crop(FACE)
    for box, (x, y, side, mirrored) in zip(boxes, PRINTS, strict=True):
        ImageDraw.Draw(canvas).rectangle(box, fill=(250, 249, 246))
        picture = ImageOps.mirror(face) if mirrored else face
        canvas.paste(picture.resize((side, side), Image.Resampling.BICUBIC), (x, y))
    return canvas


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parent.parent / "examples"
    parser.add_argument("--out", type=Path, default=default, help="folder to write to (default: %(default)s)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    cat = Image.fromarray(skimage.data.chelsea())
    cat.save(args.out / "cat.png", optimize=True)
    Image.fromarray(skimage.data.coffee()).save(args.out / "cup.jpg", quality=92)
    Image.fromarray(skimage.data.rocket()).save(args.out / "rocket.jpg", quality=92)
    cats(cat).save(args.out / "cats.jpg", quality=92)

    config, session = load_config(), load_session()
    for name in ["cat.png", "cup.jpg", "rocket.jpg", "cats.jpg"]:
        file = args.out / name
        p = classify(session, config["pretrained_cfg"], Image.open(file))
        best = ", ".join(f"{config['label_names'][i]} {p[i]:.3f}" for i in np.argsort(-p)[:4])
        print(f"{name}, {file.stat().st_size // 1024} KB: {best}")


if __name__ == "__main__":
    main()
