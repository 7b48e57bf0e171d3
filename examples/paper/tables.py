"""Writes the tables of docs/src/paper.md from the results of `smoothcam evaluate`: see examples/paper/run.

A table lies between `<!-- table: name metric ... -->` and `<!-- end -->`; its rows are the configurations of the
evaluation of that name. Bold marks a configuration that is better than each of the others, a tilde those that are
among the best and cannot be told apart from the one with the best mean.
"""

import json
import pathlib
import re
import sys

PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "src" / "paper.md"
TITLES = {
    "pointing": "pointing",
    "energy": "energy inside",
    "iou": "box IoU",
    "box-recall": "box recall",
    "area": "area of 80 %",
    "gradient-energy": "gradient energy",
    "average-drop": "average drop",
    "increase": "increase",
    "average-gain": "average gain",
    "insertion": "insertion",
    "deletion": "deletion",
    "stability": "stability",
    "grid-share": "grid share",
    "grid-pointing": "grid pointing",
    "repeated-share": "two: share",
    "repeated-found": "two: found",
    "randomized-rank": "sanity",
}
LOWER = {"area", "average-drop", "deletion", "randomized-rank"}


def cell(metric):
    """Formats the mean of a metric."""
    if metric is None:
        return ""
    text = f"{metric['mean']:.3f}"
    return {"best": f"**{text}**", "tied": f"~ {text}"}.get(metric["rank"], text)


def table(folder, name, metrics):
    """Writes the table of an evaluation."""
    results = json.loads((folder / name / "summary.json").read_text())
    arrows = [f"{TITLES[m]} {'↓' if m in LOWER else '↑'}" for m in metrics]
    lines = [f"| | {' | '.join(arrows)} |", f"|---|{'--:|' * len(metrics)}"]
    for row in results["configurations"]:
        cells = [cell(row["metrics"].get(m)) for m in metrics]
        lines.append(f"| {row['title']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    folder = pathlib.Path(sys.argv[1])

    def fill(match):
        name, *metrics = match[1].split()
        return f"<!-- table: {match[1]} -->\n\n{table(folder, name, metrics)}\n\n<!-- end -->"

    page = PAGE.read_text()
    PAGE.write_text(re.sub(r"<!-- table: (.*?) -->.*?<!-- end -->", fill, page, flags=re.S))


if __name__ == "__main__":
    main()
