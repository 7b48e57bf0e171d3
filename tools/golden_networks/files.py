"""The ONNX files: without the data that the formula gives, and with it again."""

import math

import numpy as np
import onnx
import onnxruntime as ort
import torch

from formula import formula

STORED_AT_MOST = 256  # elements of a parameter that is stored


def export(model, x, exporter, path):
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
    # Stack traces would put this machine's paths into the file; the module names are what a user's file has too.
    for holder in [exported.graph, *exported.graph.node, *exported.graph.value_info, *exported.graph.initializer]:
        holder.doc_string = ""
        kept = [p for p in holder.metadata_props if p.key == "pkg.torch.onnx.name_scopes"]
        del holder.metadata_props[:]
        holder.metadata_props.extend(kept)
    return exported


def strip(model, recipe):
    """Take out the large tensors' data; returns how to make each."""
    weights = []
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= STORED_AT_MOST:
            continue
        data = onnx.numpy_helper.to_array(tensor)
        weight = made_of(tensor.name, data, recipe)
        if weight:
            assert (data == values(weight, data.shape)).all(), tensor.name
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
            weights.append(weight)
    return weights


def made_of(name, data, recipe):
    """How to make a tensor: by its own name, or as the transpose of a parameter (the dynamo exporter's matrices)."""
    if name in recipe:
        scale, shift = recipe[name]
        return {"name": name, "scale": scale, "shift": shift}
    for other, (scale, shift) in recipe.items():
        weight = {"name": name, "transpose_of": other, "scale": scale, "shift": shift}
        if data.ndim == 2 and (data[:4, :1] == formula(other, (data.shape[0],), scale, shift)[:4, None]).all():
            return weight
    return None


def values(weight, shape):
    scale, shift = weight["scale"], weight["shift"]
    if "transpose_of" in weight:
        return formula(weight["transpose_of"], shape[::-1], scale, shift).T
    return formula(weight["name"], shape, scale, shift)


def fill(model, weights):
    """The inverse of `strip`."""
    weights = {weight["name"]: weight for weight in weights}
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.raw_data = values(weights[tensor.name], tuple(tensor.dims)).tobytes()


def run(model, x, values):
    """Run the model in ONNX Runtime, with `values` as its outputs."""
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=value) for value in values)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(values, {"input": x})


def find_values(model, x, activations):
    """For each module, the name of the ONNX value that is its output: the first one equal to it."""
    names = [node.output[0] for node in model.graph.node if node.op_type != "Constant"]
    found = {}
    for name, value in zip(names, run(model, x, names)):
        for module, activation in activations.items():
            if value.shape == activation.shape and error(value, activation) < 1e-4:
                found.setdefault(module, name)
    return found


def error(got, want):
    """The largest difference, relative to the largest magnitude."""
    return float(np.abs(got - want).max() / np.abs(want).max())


def l2_error(got, want):
    """The Euclidean norm of the difference, relative to that of what is wanted."""
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))
