"""Models, files and values at the command line: each is read, or refused in a line."""

import itertools
import tempfile
from pathlib import Path

from target import ROOT, run

PICTURE = ROOT / "examples/cat.png"
MANY = 100_000


def models():
    """Models that ask for 10^10 elements and more, each with its name."""
    import numpy as np
    from onnx import helper as h
    from onnx import numpy_helper

    def model(nodes, **constants):
        constants |= {"w": np.ones((4, 3, 3, 3), np.float32), "f": np.ones((4, 5), np.float32)}
        conv = h.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], strides=[8, 8])
        head = [
            h.make_node("GlobalAveragePool", ["big"], ["g"]),
            h.make_node("Flatten", ["g"], ["t"]),
            h.make_node("MatMul", ["t", "f"], ["y"]),
        ]
        graph = h.make_graph(
            [conv, *nodes, *head],
            "attack",
            [h.make_tensor_value_info("x", 1, [1, 3, 64, 64])],
            [h.make_tensor_value_info("y", 1, [1, 5])],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
        )
        return h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)

    def mean_of(*nodes):
        return [
            *nodes,
            h.make_node("ReduceMean", ["k"], ["m"], keepdims=0),
            h.make_node("Add", ["c", "m"], ["big"]),
        ]

    def chain(op, count, **constants):
        names = ["c", *(f"v{i}" for i in range(count - 1)), "big"]
        others = list(constants)
        nodes = [h.make_node(op, [a, *others], [b]) for a, b in itertools.pairwise(names)]
        return model(nodes, **constants)

    ones = np.ones(2 * MANY, np.float32)
    doubling = ["c", *(f"d{i}" for i in range(39)), "big"]
    yield "pad", model([h.make_node("Pad", ["c", "p"], ["big"])], p=[0] * 6 + [MANY] * 2)
    yield "tile", model([h.make_node("Tile", ["c", "p"], ["big"])], p=[1, 1, MANY, MANY])
    yield (
        "resize",
        model(
            [h.make_node("Resize", ["c", "", "s"], ["big"])],
            s=np.array([1, 1, 1e4, 1e4], np.float32),
        ),
    )
    yield "expand", model(mean_of(h.make_node("Expand", ["w", "s"], ["k"])), s=[MANY, MANY, 4, 3, 3, 3])
    yield (
        "range",
        model(
            mean_of(h.make_node("Range", ["a", "b", "d"], ["r"]), h.make_node("Cast", ["r"], ["k"], to=1)),
            a=0,
            b=10**11,
            d=1,
        ),
    )
    yield "constant of shape", model(mean_of(h.make_node("ConstantOfShape", ["s"], ["k"])), s=[MANY, MANY])
    yield (
        "shape of a root",
        model(
            mean_of(
                h.make_node("Sqrt", ["q"], ["r"]),
                h.make_node("Cast", ["r"], ["s"], to=7),
                h.make_node("ConstantOfShape", ["s"], ["k"]),
            ),
            q=np.array([1e10, 1e10], np.float32),
        ),
    )
    yield (
        "doubling concat",
        model([h.make_node("Concat", [a, a], [b], axis=2) for a, b in itertools.pairwise(doubling)]),
    )
    yield "outer product", model(mean_of(h.make_node("Einsum", ["a", "b"], ["k"], equation="i,j->ij")), a=ones, b=ones)
    yield "matrix product", model(mean_of(h.make_node("MatMul", ["a", "b"], ["k"])), a=ones[:, None], b=ones[None])
    yield (
        "transposed convolution",
        model(
            [h.make_node("ConvTranspose", ["c", "k"], ["big"], strides=[MANY, MANY])],
            k=np.ones((4, 4, 1, 1), np.float32),
        ),
    )
    yield (
        "one-hot",
        model(
            mean_of(h.make_node("Shape", ["c"], ["i"]), h.make_node("OneHot", ["i", "d", "v"], ["k"])),
            d=10**11,
            v=np.array([0, 1], np.float32),
        ),
    )
    yield "100,000 nodes", chain("Relu", MANY)
    yield "100,000 sums", chain("Add", MANY, one=np.ones(1, np.float32))
    yield "a name of a megabyte", model([h.make_node("NoSuchOperator", ["c"], ["big"], name="x" * 1_000_000)])


def commands(folder):
    """Commands with files without end, and values that are none, each with its name."""
    explain = ["explain", PICTURE]
    zero = Path(folder) / "zero.npy"
    zero.symlink_to("/dev/zero")
    yield "a picture without end", ["explain", "/dev/zero"]
    yield "an array without end", ["explain", zero]
    yield "a model without end", [*explain, "--model", "/dev/zero"]
    yield "labels without end", [*explain, "--labels", "/dev/zero"]
    yield "an input without end", [*explain, "--input", "x=/dev/zero"]
    for option in ("--maps", "--neurons", "--class", "--samples", "--sigma", "--seed", "--size", "--grid"):
        yield f"{option} -1", [*explain, option, "-1"]
    yield "ranges without end", [*explain, "--maps", "0-18446744073709551615"]


def told(status, message):
    """What is wrong with how a command ended, if anything is."""
    if status is None:
        return "does not end"
    if status < 0 or status > 2:
        return f"ends with {status}: {message[:100]}"
    if status and not message.startswith("error: "):
        return f"says no error: {message[:100]}"
    if len(message) > 10_000:
        return f"says {len(message)} letters"
    return None


def attack(wanted):
    """Runs the attacks of these names; yields the name, what is wrong, what was said, and the seconds."""
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in commands(folder):
            if wanted(name):
                status, message, seconds = run(*arguments)
                yield name, told(status, message), message, seconds
        for name, model in models() if wanted("models") else ():
            path = Path(folder) / "model.onnx"
            path.write_bytes(model.SerializeToString())
            status, message, seconds = run("layers", "--model", path)
            yield f"models: {name}", told(status, message), message, seconds
