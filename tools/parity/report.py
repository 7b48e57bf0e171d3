"""Writes `docs/src/coverage.md` from the rows."""

import collections

from compare import TOLERANCE
from rows import current

OUTCOMES = ["ok", "rounding", "failed", "not exported"]
TITLES = {
    ("torchvision", "torchscript"): "torchvision",
    ("timm", "torchscript"): "timm",
    ("keras", "keras"): "Keras applications",
    ("torchvision", "dynamo"): "torchvision by the dynamo exporter",
    ("timm", "dynamo"): "timm by the dynamo exporter",
    ("small", "torchscript"): "Small networks",
    ("small", "dynamo"): "Small networks by the dynamo exporter",
}
EARLIER = "\u2020"  # marks rows that other versions of the scripts made


def verdict(layer):
    """Judges one layer: ok, rounding or failed."""
    if deciding(layer) <= TOLERANCE:
        return "ok"
    if "error64" in layer and (
        layer["error64"] <= 3 * layer["spread"] and layer["norm_error64"] <= 3 * layer["norm_spread"]
    ):
        return "rounding"
    return "failed"


def deciding(layer):
    """Returns the error against PyTorch in float32 if it is small enough, else that against float64."""
    error = layer.get("error", float("inf"))
    return error if error <= TOLERANCE else layer.get("error64", error)


def outcome(row):
    """Judges one network: one of OUTCOMES."""
    if "not_exported" in row:
        return "not exported"
    verdicts = [verdict(layer) for layer in row["layers"]]
    if "failure" in row or "failed" in verdicts or not verdicts:
        return "failed"
    return "rounding" if "rounding" in verdicts else "ok"


def why(row):
    """Explains an outcome that is not ok."""
    notes = [row[key] for key in ("not_exported", "failure") if key in row]
    for layer in row["layers"]:
        if "error_message" in layer:
            notes.append(f"{layer['role']} layer: {layer['error_message']}")
        elif verdict(layer) != "ok":
            spread = f", PyTorch's own float32 by up to {layer['spread']:.0e}" if "spread" in layer else ""
            notes.append(f"{layer['role']} layer: off by {deciding(layer):.0e}{spread}")
    return "; ".join(notes)


def line(row):
    """Formats a row for the terminal."""
    return (
        f"{row['model']:36s} {row['exporter']:12s} {outcome(row):12s} {errors(row):24s} {row['seconds']:6.1f} s  "
        f"{cell(why(row), 700)}"
    )


def errors(row):
    """Lists the errors of all layers; in italics where the error against float64 is decisive."""

    def one(layer):
        if "error" not in layer:
            return "\u2013"
        return f"{layer['error']:.0e}" if layer["error"] <= TOLERANCE else f"*{deciding(layer):.0e}*"

    return ", ".join(map(one, row["layers"]))


def cell(text, limit=300):
    """Formats a text as a cell of a Markdown table."""
    text = " ".join(str(text).split()).replace("|", "\\|")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def write(rows, path):
    """Writes the page."""
    tables = {key: [r for r in rows if (r["source"], r["exporter"]) == key] for key in TITLES}
    tables = {TITLES[key]: rows for key, rows in tables.items() if rows}
    path.write_text("\n".join([*summary(tables), *troubles(tables), *method(rows), *details(tables)]))


def summary(tables):
    """Writes the introduction and the table of outcomes."""
    lines = [
        "# Coverage",
        "",
        "<!-- written by tools/parity -->",
        "",
        "Does smoothcam compute the right gradient for the network at hand? Each network below was built with random "
        "weights and exported to ONNX, and the gradient of a class's score was compared with PyTorch's autograd at "
        "three of the layers that `smoothcam layers` lists: the default layer, the first, and one in the middle. "
        "Operators by themselves are tested by [ONNX's node tests](node-tests.md).",
        "",
        "| networks | tried | " + " | ".join(OUTCOMES) + " |",
        "|---|" + "---|" * (1 + len(OUTCOMES)),
    ]
    for title, rows in tables.items():
        outcomes = [outcome(row) for row in rows]
        counts = " | ".join(str(outcomes.count(o)) for o in OUTCOMES)
        lines.append(f"| [{title}](#{title.lower().replace(' ', '-')}) | {len(rows)} | {counts} |")
    return [
        *lines,
        "",
        "- **ok**: the largest difference at each layer is at most 1e-4 of the largest magnitude, against PyTorch in "
        "float32 or, where that is worse itself, in float64.",
        "- **rounding**: more, but no more than threefold of what PyTorch's own float32 gradient is away from float64 "
        "if weights and input are disturbed by what float32 loses in a layer (1e-6). Units of ReLU and MaxPool whose "
        "inputs lie closer together switch, in every engine at another place.",
        "- **failed**: a wrong gradient, or an error.",
        "- **not exported**: PyTorch cannot write the network as ONNX, so there is nothing to compare.",
        "",
    ]


def troubles(tables):
    """Writes the table of networks that are not ok."""
    lines = []
    for title, rows in tables.items():
        for row in rows:
            if outcome(row) != "ok":
                lines.append(f"| {row['model']} | {title} | {outcome(row)} | {cell(why(row))} |")
    if not lines:
        return []
    return ["## What does not work", "", "| network | of | outcome | why |", "|---|---|---|---|", *lines, ""]


def method(rows):
    """Writes how the networks were compared."""
    sized = ", ".join(sorted({f"{row['model']} ({row['note']})" for row in rows if row.get("note")}))
    return [
        "## How it was done",
        "",
        "`python tools/parity` wrote this page. A row is kept until the scripts that it depends on change. "
        f"{made(rows)}",
        "",
        "- Nothing is downloaded. Random weights are made to behave as trained ones do: no branch is switched off, "
        "normalisation is calibrated, and inputs of ReLU and MaxPool are kept from ties that float32 cannot tell.",
        f"- Input is 128x128 where a network lets one choose. Sized down, to fit memory and time: {sized or 'none'}.",
        "- timm and torchvision are exported by the TorchScript exporter; what it cannot export goes through the "
        "dynamo exporter, and says so. Keras is exported by `model.export`, on its PyTorch backend.",
        "- The small networks (`tools/parity/small.py`) are made of what those of the packages lack: spatial "
        "transformers, deformable convolution up to InternImage's, LSTM, GRU and RNN as text recognisers have them, "
        "windows that are unfolded and folded.",
        "- An error in italics is one against PyTorch in float64: its float32 gradient was off by more than 1e-4.",
        "- Layers and errors are in the order default, early, middle; the grid and its maps are the default layer's; "
        "the time is that of `smoothcam explain` at the early layer, on one core of a busy machine.",
        "",
    ]


def made(rows):
    """Says by which versions the rows were made, and when."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[None if current(row) else row["script"], row["smoothcam"]].append(row["date"])
    parts = []
    for (script, smoothcam), dates in sorted(groups.items(), key=lambda group: max(group[1]), reverse=True):
        which = f"version {script} of them, marked {EARLIER}" if script else "the scripts as they are"
        days = " to ".join(sorted({min(dates), max(dates)}))
        parts.append(f"{len(dates)} rows come from {which}, and smoothcam {smoothcam}, {days}")
    return "; ".join(parts) + "."


def details(tables):
    """Writes a table of all networks for each source."""
    lines = []
    for title, rows in tables.items():
        lines += [
            f"## {title}",
            "",
            "| network | input | layers | grid | maps | errors | time | outcome |",
            "|---|---|---|---|---|---|---|---|",
            *(detail(row) for row in sorted(rows, key=lambda row: row["model"].lower())),
            "",
        ]
    return lines


def detail(row):
    """Writes the row of a network."""
    name, result = row["model"], outcome(row)
    if not current(row):
        result += f" {EARLIER}"
    notes = [row["note"]] if row.get("note") else []
    if row.get("by", row["exporter"]) != row["exporter"]:
        notes.append(f"{row['by']} exporter")
    if notes:
        name += f" ({', '.join(notes)})"
    if not row["layers"]:
        return f"| {name} | {row.get('size', '')} | | | | | | {result} |"
    default = row["layers"][0]
    timed = [layer for layer in row["layers"][1:2] + row["layers"] if "seconds" in layer]
    seconds = f"{timed[0]['seconds']:.1f} s" if timed else ""
    grid = f"{default['grid'][0]}x{default['grid'][1]}, {axes(default['axes'])}"
    layers = ", ".join(cell(layer["module"] or layer["layer"]) for layer in row["layers"])
    return f"| {name} | {row['size']} | {layers} | {grid} | {default['maps']} | {errors(row)} | {seconds} | {result} |"


def axes(axes):
    """Says where the maps of a layer are."""
    if isinstance(axes, dict):
        skip = axes["tokens"]["skip"]
        return f"tokens after {skip}" if skip else "tokens"
    return {"channels_first": "maps first", "channels_last": "maps last"}[axes]
