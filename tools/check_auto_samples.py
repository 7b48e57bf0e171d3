"""Check that `--samples auto` is honest: how far are its maps from those of 256 samples?

    cargo build --release
    python -m venv .venv && .venv/bin/pip install numpy
    .venv/bin/python tools/check_auto_samples.py [--pictures FOLDER] [--models FILE.onnx ...] [--runs 100]

Each run explains a picture (of examples/, and of the folder if one is given) at a layer where noise acts, of the bundled
model or of those given, drawn at random with a fixed seed. It takes the map with `--samples auto`, and with
`--samples 256` and the same seed, divides each by its maximum, and tells the root mean square of the cells' differences.
It fails if more than a tenth of the maps are farther away than the tolerance, or the median number of samples is above 8.
"""

import argparse
import json
import random
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
COMMAND = ROOT / "target/release/smoothcam"


def smoothcam(*args):
    """What the command prints, as JSON."""
    done = subprocess.run([COMMAND, *map(str, args), "--json"], check=True, capture_output=True)
    return json.loads(done.stdout)


def explained(picture, args, samples):
    """The normalised map and its record."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "map.npz"
        files = ["--out", Path(folder) / "map.png", "--arrays", arrays]
        record = smoothcam("explain", picture, *args, "--sigma", "0.1", "--samples", *samples, *files)
        map_ = np.load(arrays)["map"].astype(float)
    return map_ / max(np.abs(map_).max(), 1e-300), record["noise"]


def places(models):
    """Models and their layers where noise acts: feature layers, none finer than 56 x 56."""
    for model in [None, *models]:
        args = ["--model", model] if model else []
        layers = [x for x in smoothcam("layers", *args) if x["noise_acts"] and x["height"] <= 56]
        yield [[*args, "--layer", layer["name"]] for layer in layers]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--models", type=Path, nargs="*", default=[])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--tolerance", type=float, default=0.02)
    asked = parser.parse_args()
    pictures = [p for p in sorted((ROOT / "examples").iterdir()) if p.suffix in (".png", ".jpg")]
    pictures += sorted(asked.pictures.iterdir()) if asked.pictures else []
    layers = list(places(asked.models))
    draw = random.Random(0)
    taken, within = [], 0
    for run in range(asked.runs):
        picture, args = draw.choice(pictures), draw.choice(layers[run % len(layers)])
        found, noise = explained(picture, args, ["auto", "--tolerance", asked.tolerance])
        converged, _ = explained(picture, args, ["256"])
        distance = np.sqrt(((found - converged) ** 2).mean())
        taken.append(noise["samples"])
        within += bool(distance <= asked.tolerance)
        told = f"n {noise['samples']:3}  error {noise['error']:.4f}  distance {distance:.4f}"
        print(f"{told}  {picture.name} {' '.join(map(str, args))}", flush=True)
    median = statistics.median(taken)
    print(f"within the tolerance: {within} of {asked.runs}; median of n: {median}")
    raise SystemExit(within < 0.9 * asked.runs or median > 8)


if __name__ == "__main__":
    main()
