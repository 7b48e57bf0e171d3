"""Runs one of ONNX's backend node tests: differentiates its model, and compares with central differences."""

import functools
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases

from differences import derivative, session
from kinks import KINKS
from widen import DOUBLE, FLOATS, SINGLE, holds

DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}

# The types of numbers that `smoothcam grad` reads from files.
NUMPY = (np.bool_, np.uint8, np.int32, np.int64)

# What `smoothcam grad` says where inputs of floats are parameters, such as scales.
NEEDS_VALUES = "does not run on inputs of these shapes|must be constant floats|depend on the content of an input"

# As a share of the product's size.
TOLERANCE = 1e-2
# What `smoothcam grad` calls the gradient with respect to a value.
GRADIENT = "grad/{}"


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
    found = {}
    for declared, value in zip(case.model.graph.input, case.data_sets[0][0], strict=False):
        array = numpy_helper.to_array(value) if isinstance(value, TensorProto) else value
        found[declared.name] = array if isinstance(array, np.ndarray | np.generic) else None
    return {name: x if x is None else np.asarray(x) for name, x in found.items()}


def outcome(name, smoothcam, engine):
    """What became of a test: a kind (see `page.KINDS`) and a detail."""
    case = cases()[name]
    inputs = arrays(case)
    if any(x is None for x in inputs.values()):
        return "refused", "an input is no tensor"
    floats = [i.name for i in case.model.graph.input if is_float(i) and inputs[i.name].size]
    output = next(o.name for o in case.model.graph.output if is_float(o))
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder), smoothcam, engine
        kind, detail = differentiate(case.model, inputs, floats, output, *paths)
        if kind == "refused" and len(floats) > 1 and re.search(NEEDS_VALUES, detail):
            kind, detail = differentiate(case.model, inputs, floats[:1], output, *paths)
    kink = KINKS.get(name.partition("_expanded")[0])
    return ("kink", kink) if kind == "wrong" and kink else (kind, detail)


def differentiate(model, inputs, floats, output, folder, smoothcam, engine):
    """Writes the gradient with respect to those of the inputs that the output depends on, and compares.

    All other inputs get their values.
    """
    onnx.save(model, folder / "m.onnx")
    command = [smoothcam, "grad", folder / "m.onnx", "--of", output, "-o", folder / "g.onnx", "--engine", engine]
    if engine == "onnxruntime":
        command += ["--onnxruntime", Path(onnxruntime.__file__).parent / "capi"]
    for i, declared in enumerate(model.graph.input):
        name, x = declared.name, inputs[declared.name]
        if (name not in floats and x.size) or not is_float(declared):
            dtype = np.float32 if is_float(declared) else np.int64
            np.save(folder / f"{i}.npy", x if x.dtype in NUMPY else x.astype(dtype))
            command += ["--input", f"{name}={folder / f'{i}.npy'}"]
        elif x.ndim:
            command += ["--shape", f"{name}={'x'.join(map(str, x.shape))}"]
    reached = list(floats)
    while reached:
        wrt = [word for name in reached for word in ("--wrt", name)]
        try:
            run = subprocess.run([*map(str, command), *wrt], capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            return "hangs", ""
        if not run.returncode:
            return compare(model, folder / "g.onnx", inputs, floats, output)
        independent = re.match(r"error: '.*' does not depend on '(.*)'", run.stderr)
        if not independent or independent[1] not in reached:
            return "refused", run.stderr.strip()
        reached.remove(independent[1])
    return "refused", "the output depends on no input of floats in a way that has a gradient"


def reference(model, widening, inputs, output):
    """A function that runs a model in a wider type, its inputs in that type, and its output there."""
    inputs = {i.name: widening.array(i, inputs[i.name]) for i in model.graph.input}
    source = session(widening.model(model).SerializeToString())
    fed = {i.name for i in source.get_inputs()}

    def evaluate(values):
        return source.run([output], {name: x for name, x in values.items() if name in fed})[0]

    return evaluate, inputs, evaluate(inputs)


def compare(model, gradient, inputs, floats, output):
    """Compares the gradient with differences; an input without one must have derivative zero."""
    given = inputs
    try:
        try:
            evaluate, inputs, y = reference(model, DOUBLE, inputs, output)
        except Exception:
            evaluate, inputs, y = reference(model, SINGLE, inputs, output)
    except Exception as error:
        return "no reference", str(error)[:200]
    random = np.random.default_rng(0)
    cotangent = np.where(np.isfinite(y), random.normal(size=y.shape), 0)
    written = onnx.load(gradient)
    if holds(model, TensorProto.BFLOAT16):
        written = SINGLE.model(written)
    try:
        loaded = session(written.SerializeToString())
        feed = {
            i.name: inputs.get(i.name, cotangent).astype(DTYPES[i.type])
            for i in loaded.get_inputs()
            if i.type in DTYPES
        }
        found = dict(zip([o.name for o in loaded.get_outputs()], loaded.run(None, feed), strict=True))
    except Exception as error:
        try:
            reference(model, SINGLE, given, output)
        except Exception as of_model:
            return "no reference", str(of_model)[:200]
        return "does not load", str(error)[:300]
    for name in floats:
        for _ in range(2):
            direction = random.normal(size=inputs[name].shape)
            terms = found.get(GRADIENT.format(name), np.zeros(())).astype(np.float64) * direction
            expected, uncertain = derivative(evaluate, inputs, {name: direction}, cotangent)
            got, size = float(np.sum(terms)), float(np.sum(np.abs(terms))) + abs(expected)
            if not abs(got - expected) <= TOLERANCE * max(size, 1e-3) + 3 * uncertain:
                return "wrong", f"{name}: {got:.6g} in place of {expected:.6g} (+- {uncertain:.1g})"
    return "right", ""
