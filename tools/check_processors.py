"""Compares the inputs that smoothcam makes with those of the image processors of transformers.

    cargo build
    python -m venv .venv && .venv/bin/pip install numpy onnx pillow torch torchvision transformers
    .venv/bin/python tools/check_processors.py target/debug/smoothcam [--only ViT CLIP ...]

Each processor is made with its defaults and with variations, and saved beside a tiny classifier whose height and width
are free. `smoothcam explain --arrays` writes the input that it makes of a picture; it should be the processor's
`pixel_values`: of the same shape, and on average within 0.2 grey levels of what transformers makes with Pillow, or with
torchvision: the two differ in rounding, and in the side on which an odd number of pixels is padded. A case is one of:

- right: the inputs agree;
- refused: smoothcam stops with an error that names the setting that it cannot follow;
- WRONG: the inputs differ, or the error does not name the setting. The check fails if there is one.

Cases that transformers itself cannot process are passed over.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import transformers
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

TOLERANCE = 0.2
SIZES = [(451, 300), (37, 91)]

VARIATIONS: list[dict[str, object]] = [
    {},
    {"do_normalize": False},
    {"do_rescale": False},
    {"do_rescale": False, "do_normalize": False},
    {"do_center_crop": False},
    {"do_center_crop": True, "crop_size": {"height": 61, "width": 70}},
    {"do_center_crop": True, "crop_size": {"height": 321, "width": 289}},
    {"do_resize": False, "do_center_crop": True, "crop_size": {"height": 96, "width": 75}},
    {"size": {"height": 96, "width": 64}},
    {"size": {"height": 96, "width": 96}},
    {"size": {"shortest_edge": 75}},
    {"size": {"shortest_edge": 384}},
    {"size": {"shortest_edge": 60, "longest_edge": 100}},
    {"size": {"height": 80, "width": 64}, "do_center_crop": True, "crop_size": {"height": 64, "width": 50}},
    {"resample": 0},
    {"resample": 2},
    {"resample": 3},
]

# Processors by the beginning of their names, with variations of their own.
PROCESSORS: dict[str, list[dict[str, object]]] = {
    "Beit": [],
    "Bit": [],
    "Blip": [],
    "ChineseCLIP": [],
    "CLIP": [],
    "ConvNext": [
        {"size": {"shortest_edge": 224}},
        {"size": {"shortest_edge": 224}, "crop_pct": 0.95},
        {"size": {"shortest_edge": 384}, "crop_pct": 1.0},
    ],
    "DeiT": [],
    "DPT": [
        {"keep_aspect_ratio": True},
        {"ensure_multiple_of": 32, "size": {"height": 100, "width": 100}},
        {"do_pad": True, "size_divisor": 56},
    ],
    "EfficientNet": [
        {"rescale_offset": True, "rescale_factor": 1 / 127.5},
        {"include_top": False},
        {"include_top": True, "do_normalize": False},
        {"rescale_offset": True, "do_rescale": False},
    ],
    "Flava": [],
    "GLPN": [],
    "ImageGPT": [],
    "LayoutLMv3": [{"apply_ocr": False}],
    "Levit": [{"size": {"shortest_edge": 160}}],
    "MobileNetV1": [],
    "MobileNetV2": [],
    "MobileViT": [{"do_flip_channel_order": False}, {"do_normalize": True}],
    "Perceiver": [],
    "PoolFormer": [{"crop_pct": 0.95}, {"crop_pct": None}, {"size": {"height": 224, "width": 224}}],
    "Pvt": [],
    "Segformer": [],
    "Siglip": [],
    "Swin2SR": [],
    "TextNet": [],
    "VideoMAE": [],
    "Vilt": [],
    "ViT": [],
}


def write_model(path: pathlib.Path) -> None:
    """Writes a classifier of three classes that takes pictures of any size."""
    draw = np.random.default_rng(0)
    weights = {"w": draw.normal(size=(4, 3, 3, 3)), "m": draw.normal(size=(4, 3))}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "m"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "height", "width"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))


def expected(processor, picture: Image.Image) -> tuple[np.ndarray, float] | None:
    """Returns the processor's input and how much of it one grey level is; `None` if it cannot process the picture."""
    try:
        values = processor(picture, return_tensors="pt")["pixel_values"]
        input = np.asarray(values).astype(np.float64)
        if input.ndim > 4:
            input = input[:, 0]
    except Exception:  # whatever transformers raises: the case is not one
        return None
    std = np.asarray(processor.image_std if processor.do_normalize else 1.0, dtype=float).mean()
    if getattr(processor, "include_top", False):  # EfficientNet's divides once more
        std = std * np.asarray(processor.image_std).mean()
    scale = processor.rescale_factor if processor.do_rescale else 1.0
    return input, float(scale / std)


def made(command: str, folder: pathlib.Path, picture: pathlib.Path) -> np.ndarray | str:
    """Returns the input that smoothcam makes, or its error."""
    arrays = folder / "a.npz"
    args = [command, "explain", picture, "--model", folder / "model.onnx", "--method", "grad-cam"]
    args += ["--arrays", arrays, "--out", folder / "out.png", "--json"]
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True)
    if done.returncode:
        return done.stderr.strip()
    return np.load(arrays)["input"].astype(np.float64)


def judge(rights: list[tuple[np.ndarray, float]], found: np.ndarray | str, varied: list[str]) -> str:
    """Returns a verdict and its reason."""
    if isinstance(found, str):
        names = [*varied, "image_processor_type", "size", "do_center_crop", "do_resize", "do_pad", "do_color_quantize"]
        named = any(f'"{name}"' in found for name in names)
        return f"{'refused' if named else 'WRONG'}  {found.splitlines()[0]}"
    found = found.reshape(-1, *found.shape[-3:])
    same = [(input, level) for input, level in rights if input.shape == found.shape]
    if not same:
        return f"WRONG  shape {found.shape}, expected {rights[0][0].shape}"
    difference = min(float(np.abs(found - input).mean()) / abs(level) for input, level in same)
    return f"{'right' if difference <= TOLERANCE else 'WRONG'}  {difference:.4f} grey levels"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", help="the path of smoothcam")
    parser.add_argument("--only", nargs="*", help="the beginnings of names of processors")
    parser.add_argument("--verbose", action="store_true", help="print the cases that are right, too")
    options = parser.parse_args()
    counts = {"right": 0, "refused": 0, "WRONG": 0}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write_model(folder / "model.onnx")
        pictures = []
        for width, height in SIZES:
            draw = np.random.default_rng(width)
            coarse = draw.integers(0, 256, (height // 6 + 2, width // 6 + 2, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
            path = folder / f"{width}x{height}.png"
            picture.save(path)
            pictures.append((picture, path))
        for name in options.only or PROCESSORS:
            kinds = [getattr(transformers, f"{name}ImageProcessor{end}") for end in ("Pil", "")]
            for variation in [*VARIATIONS, *PROCESSORS[name]]:
                kinds[0](**variation).save_pretrained(folder)
                processors = [kind.from_pretrained(folder) for kind in kinds]
                for picture, path in pictures:
                    inputs = [expected(processor, picture) for processor in processors]
                    rights = [right for right in inputs if right is not None]
                    if not rights:
                        continue
                    verdict = judge(rights, made(options.command, folder, path), list(variation))
                    counts[verdict.split()[0]] += 1
                    if options.verbose or not verdict.startswith("right"):
                        print(f"{name} {json.dumps(variation)} {path.stem}: {verdict}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 1 if counts["WRONG"] else 0


if __name__ == "__main__":
    sys.exit(main())
