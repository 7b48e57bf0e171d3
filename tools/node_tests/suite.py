"""Runs one of ONNX's backend node tests: differentiates its model, and compares with central differences."""

import functools
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnx
from differences import derivative, session
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)

# As a share of the derivative, or of the product's size.
TOLERANCE = 1e-2


def is_float(value):
    return value.type.HasField("tensor_type") and value.type.tensor_type.elem_type in FLOATS


@functools.cache
def cases():
    """The tests of models with an input and an output of floats, by name."""
    found = {}
    for case in collect_testcases(None):
        graph = case.model and case.model.graph
        if graph and case.data_sets and any(map(is_float, graph.input)) and any(map(is_float, graph.output)):
            found[case.name] = case
    return found


def arrays(case):
    """The inputs of a test by name: arrays, or `None` where one is no tensor."""
    values = case.data_sets[0][0]
    as_array = lambda v: numpy_helper.to_array(v) if isinstance(v, TensorProto) else v
    return {i.name: np.asarray(as_array(v)) if v is not None else None for i, v in zip(case.model.graph.input, values, strict=False)}


def outcome(name, smoothcam, engine):
    """Returns what became of a test: a kind and a detail."""
    case = cases()[name]
    inputs = arrays(case)
    if not all(isinstance(x, np.ndarray) for x in inputs.values()):
        return "refused", "not of tensors"
    floats = [i.name for i in case.model.graph.input if is_float(i) and inputs.get(i.name) is not None]
    outputs = [o.name for o in case.model.graph.output if is_float(o)]
    with tempfile.TemporaryDirectory() as folder:
        return differentiate(case.model, inputs, floats, outputs[0], Path(folder), smoothcam, engine)


def differentiate(model, inputs, floats, output, folder, smoothcam, engine):
    onnx.save(model, folder / "m.onnx")
    command = [smoothcam, "grad", folder / "m.onnx", "--of", output, "-o", folder / "g.onnx"]
    for name, x in inputs.items():
        if name in floats:
            command += ["--wrt", name]
            if x.ndim:
                command += ["--shape", f"{name}={'x'.join(map(str, x.shape))}"]
        else:
            np.save(folder / f"{name}.npy", x)
            command += ["--input", f"{name}={folder / name}.npy"]
    import onnxruntime

    capi = str(Path(onnxruntime.__file__).parent / "capi")
    engine = ["--engine", engine, *(["--onnxruntime", capi] if engine == "onnxruntime" else [])]
    try:
        run = subprocess.run([*map(str, command), *engine], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "hangs", ""
    if run.returncode:
        return "refused", run.stderr.strip()
    try:
        source = session(model.SerializeToString())
    except Exception as e:
        return "not run by ONNX Runtime", str(e)[:200]
    try:
        gradient = session((folder / "g.onnx").read_bytes())
    except Exception as e:
        return "does not load", str(e)[:300]
    return compare(source, gradient, inputs, floats, output)


def compare(source, gradient, inputs, floats, output):
    fed = {i.name for i in source.get_inputs()}

    def evaluate(values):
        return source.run([output], {n: x for n, x in values.items() if n in fed})[0]

    random = np.random.default_rng(0)
    try:
        y = evaluate(inputs)
    except Exception as e:
        return "not run by ONNX Runtime", str(e)[:200]
    cotangent = random.normal(size=y.shape)
    names = {i.name: i for i in gradient.get_inputs()}
    feed = {n: inputs[n] for n in names if n in inputs}
    rest = [n for n in names if n not in inputs]
    kinds = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
    for n in rest:
        feed[n] = cotangent.astype(kinds[names[n].type])
    try:
        found = dict(zip([o.name for o in gradient.get_outputs()], gradient.run(None, feed), strict=True))
    except Exception as e:
        return "does not load", str(e)[:300]
    return judge(found, inputs, floats, evaluate, cotangent, random)


def judge(found, inputs, floats, evaluate, cotangent, random):
    gradients = [g for n, g in found.items() if n not in ("",)]
    by_name = {}
    for name in floats:
        match = [n for n in found if n in (f"{name}_grad", f"d_{name}", f"grad_{name}") or n.endswith(name)]
        by_name[name] = found[match[0]] if match else None
    if any(g is None for g in by_name.values()):
        return "wrong", f"outputs {list(found)}"
    worst = ("right", "")
    for name in floats:
        if inputs[name].size == 0:
            continue
        for _ in range(2):
            direction = {name: np.asarray(random.normal(size=inputs[name].shape))}
            expected, uncertain = derivative(evaluate, inputs, direction, cotangent)
            got = float(np.sum(by_name[name].astype(np.float64) * direction[name]))
            size = float(np.sum(np.abs(by_name[name].astype(np.float64) * direction[name]))) + abs(expected)
            if not np.isfinite(got) or abs(got - expected) > TOLERANCE * max(size, 1e-3) + 3 * uncertain:
                worst = ("wrong", f"{name}: {got:.6g} in place of {expected:.6g} (+- {uncertain:.1g})")
    return worst
