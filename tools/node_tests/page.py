"""Writes the page of the node tests, and reads from it how many were right."""

import re
from collections import Counter

from kinks import KINKS

ENGINES = {"rten": "rten", "onnxruntime": "ONNX Runtime"}

# What may become of a test, in the order of the table.
KINDS = {
    "right": "the gradient agrees with central differences",
    "kink": "differences say nothing, for the reason below",
    "refused": "`smoothcam grad` says why, see below",
    "no reference": "ONNX Runtime does not run the test's own model",
    "wrong": "the gradient is another",
    "does not load": "ONNX Runtime does not run the gradient",
    "hangs": "`smoothcam grad` takes more than a minute",
}

INTRO = """# ONNX's node tests

<!-- written by tools/node_tests -->

ONNX brings a test for each form of each operator. Those with an input and an output of floats are differentiated by
`smoothcam grad`, and the gradient, run in ONNX Runtime, is compared with central differences of the test's own model
along random directions. The columns say which engine prepared the gradient.
"""


def reason(message):
    """What kinds of refusals have in common: the message without names, paths and numbers."""
    line = message.partition("\n")[0].removeprefix("error: ")
    line = re.sub(r"^model '[^']*': ", "", line)
    line = re.sub(r" \(node '[^']*'\)| node '[^']*'|\bin node \"[^\"]*\": | Inputs were .*", "", line)
    line = re.sub(r"'[^']*/[^']*'|\"[^\"]*\"", "…", line)
    line = re.sub(r"/\S+", "…", line)
    line = re.sub(r"\[[\d, ]*\]", "[…]", line)
    return line[:160].replace("|", "\\|").replace("<", "&lt;")


def page(outcomes):
    """The page of outcomes, which are (kind, detail) by engine and name."""
    lines = [INTRO]
    lines += table(["outcome", *(ENGINES[e] for e in outcomes), "meaning"])
    counts = {engine: Counter(kind for kind, _ in rows.values()) for engine, rows in outcomes.items()}
    for kind, meaning in KINDS.items():
        lines.append(row([kind, *(str(counts[e][kind]) for e in outcomes), meaning]))
    lines += ["", "## Kinks", "", *table(["test", "why differences say nothing"])]
    lines += [row([name, why]) for name, why in sorted(KINKS.items())]
    reasons = {e: Counter(reason(d) for k, d in rows.values() if k == "refused") for e, rows in outcomes.items()}
    total = sum(reasons.values(), Counter())
    lines += ["", "## Why tests are refused", "", *table([*(ENGINES[e] for e in outcomes), "reason"])]
    for why, _ in sorted(total.items(), key=lambda item: (-item[1], item[0])):
        lines.append(row([*(str(reasons[e][why]) for e in outcomes), why]))
    return "\n".join(lines) + "\n"


def table(heads):
    return [row(heads), row(["---"] * len(heads)).replace(" ", "")]


def row(cells):
    return f"| {' | '.join(cells)} |"


def recorded(text):
    """How many tests were right with each engine when the page was written."""
    found = re.search(r"^\| right \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    return dict(zip(ENGINES, map(int, found.groups()), strict=True)) if found else {}
