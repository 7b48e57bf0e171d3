"""Writes ONNX files without the data that a formula gives, fills it in again, and runs them."""

import math

import numpy as np
import onnx
import onnxruntime as ort
import torch

from formula import formula

STORED_AT_MOST = 256  # elements; larger parameters are computed by the formula


def export(model, x, exporter, path):
    """Exports a PyTorch model to a file; returns its content without metadata of this machine."""
    if exporter == "dynamo":  # fixed batch size
        options = {"dynamo": True, "opset_version": 18, "external_data": False, "verbose": False}
    else:
        options = {
            "dynamo": False,
            "opset_version": 17,
            "training": torch.onnx.TrainingMode.EVAL,
            "do_constant_folding": False,  # keeps BatchNormalization and the parameters' names
            "dynamic_axes": {"input": {0: "batch"}, "logits": {0: "batch"}},
        }
    torch.onnx.export(model, (x,), path, input_names=["input"], output_names=["logits"], **options)
    exported = onnx.load(path)
    # Stack traces contain paths of this machine. The names of modules stay, as users' files have them, too.
    for holder in [exported.graph, *exported.graph.node, *exported.graph.value_info, *exported.graph.initializer]:
        holder.doc_string = ""
        scopes = [p for p in holder.metadata_props if p.key == "pkg.torch.onnx.name_scopes"]
        del holder.metadata_props[:]
        holder.metadata_props.extend(scopes)
    return exported


def strip(model, recipe):
    """Removes the data of the large tensors; returns for each how to compute it."""
    weights = []
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= STORED_AT_MOST:
            continue
        data = onnx.numpy_helper.to_array(tensor)
        weight = recipe_of(tensor.name, data, recipe)
        if weight:
            assert (data == values(weight, data.shape)).all(), tensor.name
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
            weights.append(weight)
    return weights


def recipe_of(name, data, recipe):
    """Returns how to compute a tensor: by its name, or as the transpose of a parameter (as dynamo exports matrices)."""
    if name in recipe:
        scale, shift = recipe[name]
        return {"name": name, "scale": scale, "shift": shift}
    for other, (scale, shift) in recipe.items():
        weight = {"name": name, "transpose_of": other, "scale": scale, "shift": shift}
        if data.ndim == 2 and (data[:4, :1] == formula(other, (data.shape[0],), scale, shift)[:4, None]).all():
            return weight
    return None


def values(weight, shape):
    """Computes a tensor."""
    scale, shift = weight["scale"], weight["shift"]
    if "transpose_of" in weight:
        return formula(weight["transpose_of"], shape[::-1], scale, shift).T
    return formula(weight["name"], shape, scale, shift)


def fill(model, weights):
    """Fills in the data that `strip` removed."""
    weights = {weight["name"]: weight for weight in weights}
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.raw_data = values(weights[tensor.name], tuple(tensor.dims)).tobytes()


def run(model, x, values):
    """Runs the model in ONNX Runtime with `values` as its outputs."""
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=value) for value in values)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(values, {"input": x})


def find_values(model, x, activations):
    """Finds for each module the ONNX value that is its output: the first one with equal numbers."""
    names = [node.output[0] for node in model.graph.node if node.op_type != "Constant"]
    found = {}
    for name, value in zip(names, run(model, x, names), strict=True):
        for module, activation in activations.items():
            if value.shape == activation.shape and error(value, activation) < 1e-4:
                found.setdefault(module, name)
    return found


def error(got, want):
    """Returns the largest difference, divided by the largest magnitude that is expected."""
    return float(np.abs(got - want).max() / np.abs(want).max())


def l2_error(got, want):
    """Returns the Euclidean norm of the difference, divided by that of the expected values."""
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))
