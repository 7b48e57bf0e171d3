"""Makes the pictures of this folder (run inside it) with Pillow; decode.rs expects what they show."""

import numpy as np
from PIL import Image

# CMYK with real black in it: left half (0, 200, 100, 50), right half (180, 0, 30, 120). Pillow
# writes Adobe's marker and inverted values, as Photoshop does.
cmyk = np.zeros((8, 16, 4), np.uint8)
cmyk[:, :8] = (0, 200, 100, 50)
cmyk[:, 8:] = (180, 0, 30, 120)
Image.fromarray(cmyk, "CMYK").save("cmyk.jpg", quality=95, optimize=True)

# A WebP animation: red, then blue.
frames = [Image.new("RGB", (4, 4), colour) for colour in ("#ff0000", "#0000ff")]
frames[0].save("animated.webp", save_all=True, append_images=frames[1:], lossless=True)
