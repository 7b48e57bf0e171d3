"""Writes models of half precision in single precision."""

import onnx
from onnx import AttributeProto, GraphProto, TensorProto, numpy_helper

HALVES = (TensorProto.FLOAT16, TensorProto.BFLOAT16)


def holds(model, *dtypes):
    """Whether a model has inputs or outputs of one of these types."""
    values = [*model.graph.input, *model.graph.output]
    return any(value.type.tensor_type.elem_type in dtypes for value in values)


def widened(model):
    """The same model in single precision: half is too coarse for differences, and few operators run in bfloat16."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    widen_graph(wide.graph)
    for function in wide.functions:
        widen_nodes(function.node)
    return wide


def widen_graph(graph: GraphProto):
    for value in [*graph.input, *graph.output, *graph.value_info]:
        if value.type.tensor_type.elem_type in HALVES:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for tensor in graph.initializer:
        widen_tensor(tensor)
    widen_nodes(graph.node)


def widen_nodes(nodes):
    for node in nodes:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                widen_graph(attribute.g)
            elif attribute.type == AttributeProto.TENSOR:
                widen_tensor(attribute.t)
            elif attribute.name in ("to", "dtype", "stash_type", "output_dtype", "softmax_precision"):
                attribute.i = TensorProto.FLOAT if attribute.i in HALVES else attribute.i


def widen_tensor(tensor):
    if tensor.data_type in HALVES:
        floats = numpy_helper.to_array(tensor).astype("float32")
        tensor.CopyFrom(numpy_helper.from_array(floats, tensor.name))
