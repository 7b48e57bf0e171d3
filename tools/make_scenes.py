"""Makes pictures with exact annotations to evaluate maps with: photographs of objects on photographs of places.

    python -m venv .venv && .venv/bin/pip install -r tools/requirements.txt
    .venv/bin/python tools/make_scenes.py target/scenes

Objects are stamps of the paint program Tux Paint: cut-out photographs whose alpha channel is an exact mask. Places are
desktop backgrounds. Both come from Debian packages, which are downloaded by `apt-get download` (Debian 12, no root; on
other systems, put the .deb files into the folder `packages` of the output beforehand). The script writes

    choose/ prove/              two halves that have no class, no stamp and no place in common
      single/                   one object
      several/                  two or three objects of one class: in different sizes, some mirrored, from different
                                stamps if the class has more than one
      clutter/                  one object, and another one of a different class
        0000.jpg ...            448x448; all objects are within the middle 392x392, which is the bundled model's input
        annotations.json        COCO: boxes, masks (runs), categories (id: the class's index, name: its label)

`make_scenes.tsv` lists the class of each stamp; each line was checked by eye. A scene is written only if the bundled
model predicts the class of its (first) object and, in clutter, has the other object's class among its first ten.
`settings.json` says how many scenes were drawn and written. The same seed gives the same scenes.

The stamps are under GPL-2, the places under GPL-2+, CC-BY-4.0, CC-BY-SA-4.0 and CC0 (the packages' copyright files have
the details and the authors): use the scenes, but do not distribute them under other terms.
"""

import argparse
import csv
import itertools
import json
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from classify import classify, load_config, load_session
from coco import annotations

SIDE = 448  # of a scene, in pixels
MARGIN = 28  # around the bundled model's input
GAP = 8  # between objects
LARGEST_MAGNIFICATION = 2.5  # of a stamp: some are small
TRIES = 24  # to draw a scene that the model classifies right

PACKAGES = ["tuxpaint-stamps-default", "lomiri-wallpapers-16.04", "mate-backgrounds", "plasma-workspace-wallpapers"]
STAMPS = "usr/share/tuxpaint/stamps"

# Photographs without objects of the classes in make_scenes.tsv. The two halves get them in turn.
PLACES = [
    "usr/share/backgrounds/aitzgorri_by_Aitzol_Berasategi.jpg",
    "usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "usr/share/backgrounds/mate/nature/Dune.jpg",
    "usr/share/backgrounds/life_by_Aitzol_Berasategi.jpg",
    "usr/share/wallpapers/Path/contents/images/1920x1080.jpg",
    "usr/share/wallpapers/OneStandsOut/contents/images/1920x1080.jpg",
    "usr/share/wallpapers/FallenLeaf/contents/images/1920x1080.jpg",
    "usr/share/backgrounds/seeding_by_Clements_Engelhardt.jpg",
    "usr/share/backgrounds/mate/nature/RainDrops.jpg",
    "usr/share/backgrounds/mate/nature/GreenMeadow.jpg",
    "usr/share/backgrounds/Bridge_by_Sander_Klootwijk.jpg",
    "usr/share/wallpapers/summer_1am/contents/images/1920x1080.jpg",
    "usr/share/wallpapers/BytheWater/contents/images/1920x1080.jpg",
    "usr/share/backgrounds/mate/nature/Storm.jpg",
    "usr/share/backgrounds/mate/nature/Blinds.jpg",
    "usr/share/backgrounds/mate/nature/Wood.jpg",
]

# For each kind: the number of scenes of each class, and the range of an object's longer side as a share of the input.
KINDS = {"single": (4, (0.3, 0.7)), "several": (3, (0.2, 0.45)), "clutter": (3, (0.35, 0.5))}


def fetch(packages):
    """Downloads and unpacks the Debian packages; returns their file names."""
    packages.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        if not list(packages.glob(f"{name}_*.deb")):
            try:
                subprocess.run(["apt-get", "download", name], cwd=packages, check=True)
            except (OSError, subprocess.CalledProcessError):
                hint = f"run apt-get update, or put its .deb file into {packages}"
                raise SystemExit(f"cannot download {name}: {hint}") from None
        (archive,) = packages.glob(f"{name}_*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, packages], check=True)
    return sorted(archive.name for archive in packages.glob("*.deb"))


def load_table(labels):
    """Reads the names of the stamps of each class from make_scenes.tsv."""
    names = {}
    with open(Path(__file__).with_suffix(".tsv"), newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            index = int(row["class"])
            assert labels[index] == row["label"], row
            names.setdefault(index, []).append(row["stamp"])
    return names


def load_stamp(file):
    """Loads a stamp and crops it to its mask."""
    stamp = Image.open(file).convert("RGBA")
    return stamp.crop(stamp.getchannel("A").point(lambda a: 255 * (a >= 128)).getbbox())


def load_place(file):
    """Loads a place, scaled down to at most three times the height of a scene."""
    place = Image.open(file).convert("RGB")
    place.thumbnail((10_000, 3 * SIDE), Image.Resampling.BICUBIC)
    return place


def part_of(place, rng):
    """Returns a random square of a place, mirrored or not."""
    side = int(min(place.size) * rng.uniform(0.6, 1))
    left, top = (int(rng.integers(0, length - side + 1)) for length in place.size)
    part = place.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return ImageOps.mirror(part) if rng.random() < 0.5 else part


def put(canvas, stamp, share, taken, rng):
    """Puts a stamp where there is room; returns its mask, or None if there is no room."""
    factor = min(share * (SIDE - 2 * MARGIN) / max(stamp.size), LARGEST_MAGNIFICATION)
    stamp = stamp.resize([max(1, round(length * factor)) for length in stamp.size], Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        stamp = ImageOps.mirror(stamp)
    for _ in range(50):
        left, top = (int(rng.integers(MARGIN, SIDE - MARGIN - length + 1)) for length in stamp.size)
        mask = np.zeros((SIDE, SIDE), bool)
        mask[top : top + stamp.height, left : left + stamp.width] = np.asarray(stamp.getchannel("A")) >= 128
        room = np.zeros((SIDE, SIDE), bool)
        room[max(0, top - GAP) : top + stamp.height + GAP, max(0, left - GAP) : left + stamp.width + GAP] = True
        if not (room & taken).any():
            canvas.paste(stamp, (left, top), stamp)
            taken |= room
            return mask
    return None


def draw(kind, index, stamps, places, rng):
    """Draws a scene with an object of the class `index`; returns the picture, and each object's class and mask."""
    canvas = part_of(places[rng.integers(len(places))], rng)
    classes = [index]
    if kind == "several":
        classes *= int(rng.integers(2, 4))
    if kind == "clutter":
        classes.append(int(rng.choice([other for other in stamps if other != index])))
    taken, objects = np.zeros((SIDE, SIDE), bool), []
    # Several objects of a class use its stamps in turn; the largest comes first.
    first = int(rng.integers(len(stamps[index])))
    shares = np.sort(rng.uniform(*KINDS[kind][1], len(classes)))[::-1] if kind == "several" else None
    for i, c in enumerate(classes):
        stamp = stamps[c][(first + i) % len(stamps[c])]
        share = shares[i] if kind == "several" else rng.uniform(*KINDS[kind][1])
        mask = put(canvas, stamp, share, taken, rng)
        if mask is None:
            return None
        objects.append((c, mask))
    return canvas, objects


def is_recognised(kind, objects, p):
    """Whether the model predicts the class of the first object and, in clutter, has the second among its first ten."""
    first = np.argsort(-p)[:10]
    return first[0] == objects[0][0] and (kind != "clutter" or objects[1][0] in first)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    packages = args.out / "packages"
    archives = fetch(packages)
    config, session = load_config(), load_session()
    table = load_table(config["label_names"])
    settings = {"seed": args.seed, "packages": archives, "scenes": {}}
    for turn, half in enumerate(["choose", "prove"]):
        stamps = {
            index: [load_stamp(packages / STAMPS / f"{name}.png") for name in table[index]]
            for index in list(table)[turn::2]
        }
        places = [load_place(packages / name) for name in PLACES[turn::2]]
        for number, (kind, (count, _)) in enumerate(KINDS.items()):
            folder = args.out / half / kind
            folder.mkdir(parents=True, exist_ok=True)
            scenes, drawn = [], 0
            for index, repeat in itertools.product(stamps, range(count)):
                for attempt in range(TRIES):
                    rng = np.random.default_rng([args.seed, turn, number, index, repeat, attempt])
                    if (scene := draw(kind, index, stamps, places, rng)) is None:
                        continue
                    drawn += 1
                    picture, objects = scene
                    if is_recognised(kind, objects, classify(session, config["pretrained_cfg"], picture)):
                        name = f"{len(scenes):04}.jpg"
                        picture.save(folder / name, quality=92)
                        scenes.append((name, objects))
                        break
            found = annotations(scenes, (SIDE, SIDE), config["label_names"])
            (folder / "annotations.json").write_text(json.dumps(found) + "\n")
            classes = len({objects[0][0] for _, objects in scenes})
            settings["scenes"][f"{half}/{kind}"] = {"kept": len(scenes), "drawn": drawn, "classes": classes}
            print(f"{half}/{kind}: {len(scenes)} scenes of {classes} classes written, {drawn} drawn")
    (args.out / "settings.json").write_text(json.dumps(settings, indent=2) + "\n")


if __name__ == "__main__":
    main()
