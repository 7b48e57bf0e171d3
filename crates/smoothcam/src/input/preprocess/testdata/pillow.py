"""Makes pillow.txt: what Pillow and torchvision make of a small picture before normalisation.

Run with torchvision and Pillow installed:  python pillow.py > pillow.txt
Each line: settings as smoothcam's flags write them, then the H x W x C bytes in hexadecimal.
"""

import numpy as np
from PIL import Image
from torchvision.transforms import CenterCrop, Resize
from torchvision.transforms import InterpolationMode as Mode

WIDTH, HEIGHT = 37, 23


def picture() -> Image.Image:
    """Black and white noise with some flat parts: the hardest case for filters that overshoot."""
    state, values = 1, []
    for _ in range(WIDTH * HEIGHT * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        byte = state >> 24
        values.append(0 if byte < 100 else 255 if byte > 156 else byte)
    return Image.fromarray(np.array(values, np.uint8).reshape(HEIGHT, WIDTH, 3))


def resize(image: Image.Image, width: int, height: int, mode: Mode) -> Image.Image:
    """Across, then down: the order of all Pillow versions up to 12; later ones may swap them."""
    if mode == Mode.NEAREST:
        return Resize((height, width), mode)(image)
    return Resize((height, width), mode)(Resize((image.height, width), mode)(image))


def main() -> None:
    rgb = picture()
    grey = rgb.convert("L")
    for mode in (Mode.NEAREST, Mode.BOX, Mode.BILINEAR, Mode.HAMMING, Mode.BICUBIC, Mode.LANCZOS):
        name = mode.value
        rows = [
            ("shortest:11", "8", "rgb", CenterCrop(8)(Resize(11, mode)(rgb))),
            ("shortest:31", "7x9", "rgb", CenterCrop((7, 9))(Resize(31, mode)(rgb))),
            ("shortest:6", "8", "grey", CenterCrop(8)(Resize(6, mode)(grey))),
            ("squash", "6x9", "rgb", resize(rgb, 9, 6, mode)),
            ("squash:13x14", "8x7", "bgr", CenterCrop((8, 7))(resize(rgb, 14, 13, mode))),
        ]
        for how, size, channels, image in rows:
            pixels = np.asarray(image)
            if channels == "bgr":
                pixels = pixels[..., ::-1]
            print(how, size, name, channels, pixels.tobytes().hex())


main()
