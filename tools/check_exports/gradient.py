"""Checks the gradients of `smoothcam grad` against finite differences.

    python tools/check_exports/gradient.py

The model has several inputs, one of integers and one of open size. Gradients of its output are taken with respect to
two inputs, a weight and a value within. Needs numpy, onnx and onnxruntime.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parents[2]
SMOOTHCAM = os.environ.get("SMOOTHCAM", str(HERE / "target/release/smoothcam"))


def model(path):
    """Writes the model."""
    random = np.random.default_rng(3)
    weights = random.normal(size=[6, 5]).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"], name="product"),
        helper.make_node("Tanh", ["product"], ["hidden"], name="tanh"),
        helper.make_node("Gather", ["hidden", "places"], ["some"], name="gather", axis=1),
        helper.make_node("Mul", ["some", "factor"], ["scaled"], name="scale"),
        helper.make_node("ReduceSumSquare", ["scaled"], ["loss"], name="loss", axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "several inputs",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 6]),
            helper.make_tensor_value_info("places", TensorProto.INT64, [3]),
            helper.make_tensor_value_info("factor", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("loss", TensorProto.FLOAT, ["rows"])],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def main():
    random = np.random.default_rng(4)
    with tempfile.TemporaryDirectory() as folder:
        source, grad, places = (os.path.join(folder, n) for n in ["m.onnx", "g.onnx", "places.npy"])
        model(source)
        np.save(places, np.array([4, 0, 4], dtype=np.int64))
        wrt = [part for name in ["x", "w", "hidden", "factor"] for part in ["--wrt", name]]
        inputs = ["--shape", "x=2x6", "--input", f"places={places}"]
        engine = ["--onnxruntime", str(Path(onnxruntime.__file__).parent / "capi")]
        command = [SMOOTHCAM, "grad", source, "--of", "loss", *wrt, *inputs, "-o", grad, *engine]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        onnx.checker.check_model(grad, full_check=True)
        session = onnxruntime.InferenceSession(grad, providers=["CPUExecutionProvider"])
        assert [i.name for i in session.get_inputs()] == ["x", "factor", "cotangent"]
        x, factor, dy = (random.normal(size=s).astype(np.float32) for s in [(2, 6), 3, 2])
        names = [o.name for o in session.get_outputs()]
        assert names == ["loss", "grad/x", "grad/w", "grad/hidden", "grad/factor"], names
        found = dict(zip(names, session.run(names, {"x": x, "factor": factor, "cotangent": dy}), strict=True))
        weights = numpy_helper.to_array(onnx.load(source).graph.initializer[0])

        def loss(x, w, factor, hidden=None):
            """Computes what the model computes, from `hidden` on if that is given."""
            hidden = np.tanh(x @ w) if hidden is None else hidden
            return ((hidden[:, [4, 0, 4]] * factor) ** 2).sum(1)

        values = {"x": x, "w": weights, "factor": factor, "hidden": np.tanh(x.astype(float) @ weights)}
        values = {name: value.astype(float) for name, value in values.items()}
        np.testing.assert_allclose(found["loss"], loss(values["x"], values["w"], values["factor"]), rtol=1e-5)
        for name, value in values.items():
            expected = np.zeros_like(value)
            for at in np.ndindex(*value.shape):
                step = np.zeros_like(value)
                step[at] = 1e-5
                given = {n: v for n, v in values.items() if n != "hidden" or name == "hidden"}
                up, down = (loss(**(given | {name: value + s * step})) for s in [1, -1])
                expected[at] = dy @ (up - down) / 2e-5
            np.testing.assert_allclose(found[f"grad/{name}"], expected, rtol=1e-3, atol=1e-4)
            print("ok", f"grad/{name}", expected.shape)


main()
