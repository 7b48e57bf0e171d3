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
        if tensor.name in recipe and math.prod(tensor.dims) > STORED_AT_MOST:
            data, (scale, shift) = onnx.numpy_helper.to_array(tensor), recipe[tensor.name]
            assert (data == formula(tensor.name, data.shape, scale, shift)).all(), tensor.name
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
            weights.append({"name": tensor.name, "scale": scale, "shift": shift})
    return weights


def fill(model, weights):
    """The inverse of `strip`."""
    recipe = {weight["name"]: (weight["scale"], weight["shift"]) for weight in weights}
    for tensor in model.graph.initializer:
        if tensor.name in recipe:
            tensor.raw_data = formula(tensor.name, tuple(tensor.dims), *recipe[tensor.name]).tobytes()


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
