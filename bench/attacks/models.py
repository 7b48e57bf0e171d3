"""Models that are broken, crash engines, or ask for more memory than there is."""

import itertools

MANY = 100_000
LARGEST = 2**63 - 1
LETTERS = "abcdefghijklmnopqrstuvwx"


def broken_files():
    """Files that are no models, each with its name and its bytes."""
    yield "nothing", b""
    yield "zeros", bytes(1_000_000)
    yield "varints without end", b"\xff" * 1_000_000
    yield "groups in groups", b"\x3b" * 1_000_000
    yield "a graph of 2^63 bytes", b"\x3a" + b"\xff" * 8 + b"\x7f"
    yield "a million empty nodes", b"\x3a\x80\x89\x7a" + b"\x0a\x00" * 1_000_000


def models():
    """Models that ask for 10^10 elements and more, crash engines, or are broken, each with its name."""
    import numpy as np
    from onnx import TensorProto, numpy_helper
    from onnx import helper as h

    def model(nodes, opset=17, **constants):
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
        return h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8)

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

    def sized(op, size, x, opset, **others):
        """A model in which an input says how large the output of an operator is."""
        node = h.make_node(op, ["x0", "s", *others], ["k"])
        return model(mean_of(node), opset, x0=np.ones(x, np.float32), s=np.array(size), **others)

    def external(**entries):
        """A model with weights in another file."""
        weights = TensorProto(name="e", data_type=1, dims=[4, 4, 3, 3], data_location=1)
        for key, value in entries.items():
            weights.external_data.add(key=key, value=str(value))
        whole = model([h.make_node("Conv", ["c", "e"], ["big"], pads=[1, 1, 1, 1])])
        whole.graph.initializer.append(weights)
        return whole

    def one(op, *inputs, opset=17, constants=None, **attributes):
        node = h.make_node(op, ["c", *inputs], ["big"], **attributes)
        return model([node], opset, **(constants or {}))

    def changed(change):
        whole = one("Relu")
        change(whole)
        return whole

    def shaped(*shape):
        return changed(lambda m: m.graph.input[0].CopyFrom(h.make_tensor_value_info("x", 1, shape)))

    def several(count):
        whole = one("Relu")
        for i in range(count):
            whole.graph.node.append(h.make_node("Relu", ["y"], [f"y{i}"]))
            whole.graph.output.append(h.make_tensor_value_info(f"y{i}", 1, None))
        return whole

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
    yield "crop or pad", sized("CenterCropPad", [MANY, MANY], (4, 4), 18)
    yield "affine grid", sized("AffineGrid", [1, 3, MANY, MANY], (1, 2, 3), 20)
    yield "columns to image", sized("Col2Im", [MANY, MANY], (1, 4, 4), 18, b=[2, 2])
    yield "the best 2^63", sized("TopK", [LARGEST], (4, 4), 17)
    for name, attributes in {
        "padded": {"pads": [2**33] * 4},
        "strides": {"strides": [LARGEST] * 2},
        "dilations of 0": {"dilations": [0, 0]},
        "groups of 0": {"group": 0},
        "negative groups": {"group": -1},
    }.items():
        kernels = {"v": np.ones((4, 4, 3, 3), np.float32)}
        yield f"convolution: {name}", one("Conv", "v", constants=kernels, **attributes)
    yield "a window of 2^63", one("MaxPool", kernel_shape=[LARGEST] * 2)
    yield "noise of negative scale", one("RandomNormalLike", scale=-1.0)
    yield "gathered by -2^63", one("GatherND", "i", constants={"i": [[0]]}, batch_dims=-LARGEST)
    yield "an equation to the 24th", one("Einsum", *"ccccc", equation="abcd,efgh,ijkl,mnop,qrst,uvwx->" + LETTERS)
    yield "reshaped beyond 2^63", one("Reshape", "s", constants={"s": [2**32, 2**32, 4]})
    yield "steps of 0", one("Slice", *"abcd", constants={"a": [0], "b": [9], "c": [2], "d": [0]})
    for shape in ([], [1, 3, 0, 8], [1, 3, MANY, MANY], [1, 3, 2**62, 2], [1] * 40, [-5, 3, 8, 8]):
        yield f"a picture of {str(shape)[:24]}", shaped(*shape)
    for version in (0, -1, 2**62):
        yield f"opset {version}", changed(lambda m, v=version: setattr(m.opset_import[0], "version", v))
    yield "no output", changed(lambda m: m.graph.ClearField("output"))
    yield "the input is the output", changed(lambda m: m.graph.output.append(m.graph.input[0]))
    yield "a constant twice", changed(lambda m: m.graph.initializer.append(m.graph.initializer[0]))
    yield "a circle", model([h.make_node("Add", ["c", "z"], ["big"]), h.make_node("Relu", ["big"], ["z"])])
    yield "20,000 outputs", several(20_000)
    yield "20,000 terms", one("Sum", *["c"] * 20_000)
    for location in ("../secret", "/etc/passwd", "pipe", ".", "s\0\x1b[31m", "a" * 1_000_000):
        yield f"weights in {location[:12]!r}", external(location=location)
    yield "weights at 10^18", external(location="model.onnx", offset=10**18)
    yield "2^62 bytes of weights", external(location="model.onnx", length=2**62)
    escapes = "\x1b[31m\x1b[2J\r\x9b"
    for name, letters in {"escapes": escapes, "a megabyte": "x" * 1_000_000, "emoji": "\U0001f600" * 1000}.items():
        relus = [h.make_node("Relu", ["c"], [letters]), h.make_node("Relu", [letters], ["big"])]
        yield f"a layer named by {name}", model(relus)
        yield f"an operator named by {name}", model([h.make_node(letters, ["c"], ["big"])])
    yield "a name of a megabyte", model([h.make_node("NoSuchOperator", ["c"], ["big"], name="x" * 1_000_000)])
