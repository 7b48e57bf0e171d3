"""Writes docs/src/performance.md from the measurements, and checks them against the targets."""

import math
import pathlib

PATH = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "src" / "performance.md"
ENGINES = ("rten", "ONNX Runtime")
OURS = tuple(f"smoothcam, {engine}" for engine in ENGINES)
PEERS = ("torch-cam", "captum", "grad-cam", "grad-cam (++)")

HEAD = """\
# Performance

What explanations cost, against the PyTorch packages torch-cam {torch_cam}, grad-cam and captum. All tools ran in turn on
{processor}, {threads} threads, {system}, with torch {torch}{quick}, on {date}. Models are torchvision's with random weights,
the input is one picture of 224x224. A time is the median of an explanation of a preprocessed input, with the model
loaded and warmed up. This page is written by

```sh
bench/run
```

which sets up what it needs; `bench/run --quick --only resnet50` gives a first look. For your own model and machine:

```sh
smoothcam bench --model model.onnx
```

## Why

- **The engine**: the gradient is part of an ONNX graph, which the engine optimises like any other: no autograd tape, no
  hooks, weights folded into what comes before.
- **Only what is needed**: the gradient goes from the scores to the layer, and stops, and is not taken with respect to
  weights. (torch-cam's backward pass computes weights' gradients too.)
- **Two parts**: the trunk, up to the layer, runs as the bare classifier does; the head computes scores and gradient. A
  pass costs a forward pass, and the gradient above the layer.
- **Linear heads need one pass**: if all above a layer is linear (global average pooling and one linear layer), the
  gradient is the same for every picture. Noise cannot change the map, and is skipped. These rows have the passes 1.
- **Moments in place**: powers of the gradient are summed as they come, so memory does not grow with n.
- **Heads of matrices**: a head that multiplies vectors by large matrices (VGG) takes the clean picture and several noised
  ones at once.

How far this goes depends on the machine: n + 1 passes are needed wherever noise acts, and how an engine's forward pass
compares with PyTorch's differs between processors. Both are below: [bare forward passes](#bare-forward-passes), and
[what a pass costs](#a-pass-in-bare-forward-passes) beyond one.
"""

NOTE = """
Milliseconds; in brackets, how many times as fast as torch-cam with the same n. *Passes*: forward passes that
smoothcam's explanation is made of.
"""


def processor():
    """Returns the name of this machine's processor."""
    with open("/proc/cpuinfo") as info:
        names = (line.split(":")[1].strip() for line in info if line.startswith("model name"))
        return next(names, "an unnamed processor")


def geometric_mean(values):
    """Returns the geometric mean; NaN if there are no values."""
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


class Rows:
    """The measurements, by network, place, samples and tool."""

    def __init__(self, results):
        self.rows = {(r["network"], r["place"], r["samples"], r["tool"]): r for r in results["rows"]}
        self.networks = list(dict.fromkeys(r["network"] for r in results["rows"]))

    def get(self, *key):
        """Returns a row; None if it was not measured."""
        row = self.rows.get(key)
        return None if row is None or "error" in row else row

    def speedups(self, place, samples, tool):
        """Returns for each network how many times as fast as torch-cam a tool is."""
        found = {}
        for network in self.networks:
            ours, theirs = (self.get(network, place, samples, t) for t in (tool, "torch-cam"))
            if ours and theirs:
                found[network] = theirs["explain_ms"] / ours["explain_ms"]
        return found

    def of(self, tool):
        """Returns the rows of a tool."""
        return [r for (*_, t), r in self.rows.items() if t == tool and "error" not in r]


def times(rows, place, samples, tools):
    """Writes the table of times for one place and n."""
    tools = [t for t in tools if any(rows.get(n, place, samples, t) for n in rows.networks)]
    lines = [f"| model | layer | passes | {' | '.join(tools)} |", "|---|---|--:|" + "--:|" * len(tools)]
    for network in rows.networks:
        ours = rows.get(network, place, samples, OURS[0]) or rows.get(network, place, samples, OURS[1])
        if not ours:
            continue
        cells = []
        for tool in tools:
            row = rows.get(network, place, samples, tool)
            cell = f"{row['explain_ms']:.0f}" if row else "-"
            if tool in OURS and row and network in (fast := rows.speedups(place, samples, tool)):
                cell += f" ({fast[network]:.1f}x)"
            cells.append(cell)
        lines.append(f"| {network} | `{ours['layer']}` | {ours['passes']} | {' | '.join(cells)} |")
    means = [geometric_mean(rows.speedups(place, samples, t).values()) if t in OURS else math.nan for t in tools]
    if not all(map(math.isnan, means)):
        cells = " | ".join("" if math.isnan(m) else f"**{m:.1f}x**" for m in means)
        lines.append(f"| geometric mean | | | {cells} |")
    return "\n".join(lines)


def passes(rows):
    """Writes the table of what a pass costs, in bare forward passes of the same engine."""
    head = [f"{engine}, {place}" for engine in ENGINES for place in ("last", "early", "tokens")]
    lines = [f"| model | {' | '.join(head)} |", "|---|" + "--:|" * len(head)]
    for network in rows.networks:
        cells = []
        for tool in OURS:
            for place in ("last", "early", "tokens"):
                row = rows.get(network, place, 25, tool)
                cells.append(f"{per_pass(row):.2f}" + (" *" if not row["noise_acts"] else "") if row else "")
        lines.append(f"| {network} | {' | '.join(cells)} |")
    return "\n".join(lines)


def forwards(rows):
    """Writes the table of bare forward passes."""
    lines = ["| model | PyTorch | rten | ONNX Runtime | most, rten | most, ONNX Runtime |", "|---|--:|--:|--:|--:|--:|"]
    for network in rows.networks:
        peer, *ours = [rows.get(network, "last", 5, t) for t in ("torch-cam", *OURS)]
        cells = [f"{row['forward_ms']:.1f}" if row else "-" for row in (peer, *ours)]
        for row in ours:
            passes = row and row["passes"] * row["forward_ms"]
            cells.append(f"{peer['explain_ms'] / passes:.1f}x" if peer and passes else "-")
        lines.append(f"| {network} | {' | '.join(cells)} |")
    return "\n".join(lines)


def per_pass(row):
    """Returns what a pass costs, in bare forward passes."""
    return row["explain_ms"] / row["forward_ms"] / row["passes"]


def memory(rows):
    """Writes the table of peak memory."""
    tools = ("torch-cam", *OURS)
    lines = [
        "| model | " + " | ".join(f"{t}, n = {n}" for t in tools for n in (5, 25)) + " |",
        "|---|" + "--:|" * (2 * len(tools)),
    ]
    for network in rows.networks:
        cells = [rows.get(network, "last", n, t) for t in tools for n in (5, 25)]
        lines.append(
            f"| {network} | " + " | ".join(f"{c['peak_memory'] / 1e6:.0f}" if c else "-" for c in cells) + " |"
        )
    return "\n".join(lines)


def write(results):
    """Writes the page."""
    rows = Rows(results)
    facts = {**results, "torch_cam": "0.5.0", "quick": ", one run of each," if results["quick"] else ""}
    parts = [HEAD.format(**facts)]
    for place, words in [
        ("last", "the last feature map"),
        ("early", "an early layer"),
        ("tokens", "a late layer of tokens"),
    ]:
        if not any(r["place"] == place for r in rows.rows.values()):
            continue
        parts.append(f"## Smooth Grad-CAM++ at {words}\n")
        if place == "tokens":
            parts.append("torch-cam takes convolutions' maps only; for a transformer these are the patches above.\n")
        for samples in (5, 25):
            parts.append(f"n = {samples}\n\n{times(rows, place, samples, (*PEERS, *OURS))}\n")
        if place == "last":
            parts.append(
                NOTE.lstrip() + "captum has no Grad-CAM++: its column is Grad-CAM with noise (NoiseTunnel). "
                "torch-cam's last feature map of\na transformer is that of its only convolution, the patches at "
                "its very beginning: the gradient goes through the whole\nnetwork.\n"
            )
    parts.append(
        f"## Without noise\n\nGrad-CAM; grad-cam (++) is Grad-CAM++.\n\n{times(rows, 'last', 0, (*PEERS, *OURS))}\n"
    )
    parts.append(
        "## Bare forward passes\n\nMilliseconds, without any gradient. *Most*: how many times as fast as torch-cam (n = 5, "
        "last feature map) an explanation\nwould be that costs its forward passes and nothing else.\n\n"
        + forwards(rows)
        + "\n"
    )
    parts.append(
        "## A pass in bare forward passes\n\nn = 25; an explanation's time divided by its passes and by the time "
        "of the bare model on the same\nengine. *: noise cannot act, one pass.\n\n" + passes(rows) + "\n"
    )
    parts.append(
        "## Peak memory\n\nMB, of a process that explains at the last feature map and does nothing else.\n\n"
        + memory(rows)
        + "\n"
    )
    parts.append(
        "## The command\n\nWith the built-in EfficientNet-Lite0 (n = 8): from the start of the process to the picture, "
        "and pictures\nper second of a long run.\n\n" + command(results)
    )
    PATH.write_text("\n".join(parts))


def command(results):
    """Writes the table of the command's times."""
    lines = ["| engine | first time | median | Grad-CAM | Smooth Grad-CAM++ |", "|---|--:|--:|--:|--:|"]
    for engine in ENGINES:
        took, fast = results["command"][engine], results["per_second"][engine]
        lines.append(
            f"| {engine} | {took['first_ms']:.0f} ms | {took['median_ms']:.0f} ms | {fast['grad-cam']:.1f} per s "
            f"| {fast['smooth-grad-cam++']:.1f} per s |"
        )
    return "\n".join(lines) + "\n"


def print_targets(results):
    """Prints for each target whether it is met, and the measurements that could not be made."""
    rows = Rows(results)
    lines = []

    def check(target, worst, is_met):
        lines.append(f"{'met   ' if is_met else 'MISSED'}  {target}: {worst}")

    for tool, mean, least in [(OURS[1], 6, 1.8), (OURS[0], 2.5, 1)]:
        for n in (5, 25):
            fast = rows.speedups("last", n, tool)
            if not fast:
                continue
            found = geometric_mean(fast.values())
            low = min(fast, key=fast.get)
            check(
                f"{tool}, n = {n}, last: geometric mean >= {mean}, none under {least}",
                f"{found:.2f}, worst {fast[low]:.2f} ({low})",
                found >= mean and fast[low] >= least,
            )
            early = rows.speedups("early", n, tool)
            if early:
                low = min(early, key=early.get)
                check(f"{tool}, n = {n}, early: faster", f"worst {early[low]:.2f} ({low})", early[low] > 1)
        # There is no target for early layers, whose gradient is most of a backward pass. A transformer's "last"
        # feature map is its first layer.
        noised = [
            r
            for r in rows.of(tool)
            if r["samples"] and r["place"] != "early" and (r["network"], r["place"]) != ("vit_b_16", "last")
        ]
        for words, limit, chosen in [
            ("a pass with noise costs <= 1.10 forward passes", 1.10, [r for r in noised if r["noise_acts"]]),
            (
                "a pass without effect of noise costs <= 1.3 forward passes",
                1.3,
                [r for r in noised if not r["noise_acts"]],
            ),
        ]:
            over = [r for r in chosen if per_pass(r) > limit]
            details = ", ".join(f"{r['network']} {r['place']} {r['samples']}: {per_pass(r):.2f}" for r in over)
            check(f"{tool}, {words}", f"{len(over)} of {len(chosen)} over: {details}", not over)
        peaks = {
            (n, s): (rows.get(n, "last", s, tool), rows.get(n, "last", s, "torch-cam"))
            for n in rows.networks
            for s in (5, 25)
        }
        over = [f"{n} {s}" for (n, s), (a, b) in peaks.items() if a and b and a["peak_memory"] >= b["peak_memory"]]
        check(f"{tool}, memory below torch-cam's", over, not over)
        grown = {
            n: peaks[n, 25][0]["peak_memory"] / peaks[n, 5][0]["peak_memory"]
            for n in rows.networks
            if peaks[n, 25][0] and peaks[n, 5][0]
        }
        if grown:
            most = max(grown.values())
            check(f"{tool}, memory does not grow with n", f"at most {most:.3f}", most < 1.05)
    vgg = [r["peak_memory"] / 1e9 for r in rows.of(OURS[0]) if r["network"] == "vgg16"]
    if vgg:
        check("peak memory of vgg16 on rten <= 1.2 GB", f"{max(vgg):.2f}", max(vgg) <= 1.2)
    first = min(c["median_ms"] for c in results["command"].values())
    check("time of the command <= 600 ms", f"{first:.0f} ms", first <= 600)
    for row in results["rows"]:
        if "error" in row:
            lines.append(f"failed  {row['network']} {row['place']} {row['samples']} {row['tool']}: {row['error']}")
    print("\n".join(lines))
