"""Checks that `--samples auto` keeps its tolerance, by comparing its maps with those of 256 samples.

    cargo build --release
    python -m venv .venv && .venv/bin/pip install numpy
    .venv/bin/python tools/check_auto_samples.py [--pictures FOLDER] [--models FILE.onnx ...] [--runs 100]

Each run draws at random, with a fixed seed, a picture (from examples/, and from the folder if one is given) and a layer
where noise has an effect (of the bundled model, and of those given). It computes the map with `--samples auto` and with
`--samples 256`, divides each by its maximum, and prints the root mean square of the cells' differences. The check fails
if more than a tenth of the maps differ by more than the tolerance, or if the median number of samples is above 8.
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
    """Runs the command and returns what it prints as JSON."""
    done = subprocess.run([COMMAND, *map(str, args), "--json"], check=True, capture_output=True)
    return json.loads(done.stdout)


def explain(picture, args, samples):
    """Returns the normalised map, and what the record says about the noise."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "map.npz"
        files = ["--out", Path(folder) / "map.png", "--arrays", arrays]
        record = smoothcam("explain", picture, *args, "--sigma", "0.1", "--samples", *samples, *files)
        cells = np.load(arrays)["map"].astype(float)
    return cells / max(np.abs(cells).max(), 1e-300), record["noise"]


def noised_layers(models):
    """Yields for each model the arguments that select its layers where noise has an effect, up to 56 x 56 cells."""
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
    options = parser.parse_args()
    pictures = [p for p in sorted((ROOT / "examples").iterdir()) if p.suffix in (".png", ".jpg")]
    pictures += sorted(options.pictures.iterdir()) if options.pictures else []
    layers = list(noised_layers(options.models))
    draw = random.Random(0)
    counts, within = [], 0
    for run in range(options.runs):
        picture, args = draw.choice(pictures), draw.choice(layers[run % len(layers)])
        found, noise = explain(picture, args, ["auto", "--tolerance", options.tolerance])
        converged, _ = explain(picture, args, ["256"])
        distance = np.sqrt(((found - converged) ** 2).mean())
        counts.append(noise["samples"])
        within += bool(distance <= options.tolerance)
        line = f"n {noise['samples']:3}  error {noise['error']:.4f}  distance {distance:.4f}"
        print(f"{line}  {picture.name} {' '.join(map(str, args))}", flush=True)
    median = statistics.median(counts)
    print(f"within the tolerance: {within} of {options.runs}; median of n: {median}")
    raise SystemExit(within < 0.9 * options.runs or median > 8)


if __name__ == "__main__":
    main()
