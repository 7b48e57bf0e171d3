"""Writes models of one precision in another."""

import onnx
from onnx import AttributeProto, GraphProto, TensorProto, helper, numpy_helper

HALVES = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
FLOATS = (*HALVES, TensorProto.FLOAT, TensorProto.DOUBLE)


def holds(model, *dtypes):
    """Whether a model has inputs or outputs of one of these types."""
    values = [*model.graph.input, *model.graph.output]
    return any(value.type.tensor_type.elem_type in dtypes for value in values)


class Widening:
    """Replaces some types of floats by a wider one."""

    def __init__(self, narrow, wide):
        self.narrow, self.wide = narrow, wide

    def model(self, model):
        """The same model in the wider type."""
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        self._graph(copy.graph)
        for function in copy.functions:
            self._nodes(function.node)
        return copy

    def array(self, declared, x):
        """A value of a declared input in the wider type."""
        is_narrow = declared.type.tensor_type.elem_type in self.narrow
        return x.astype(helper.tensor_dtype_to_np_dtype(self.wide)) if is_narrow else x

    def _graph(self, graph: GraphProto):
        for value in [*graph.input, *graph.output, *graph.value_info]:
            if value.type.tensor_type.elem_type in self.narrow:
                value.type.tensor_type.elem_type = self.wide
        for tensor in graph.initializer:
            self._tensor(tensor)
        self._nodes(graph.node)

    def _nodes(self, nodes):
        for node in nodes:
            for attribute in node.attribute:
                if attribute.type == AttributeProto.GRAPH:
                    self._graph(attribute.g)
                elif attribute.type == AttributeProto.TENSOR:
                    self._tensor(attribute.t)
                elif attribute.name in ("to", "dtype", "stash_type", "output_dtype", "softmax_precision"):
                    attribute.i = self.wide if attribute.i in self.narrow else attribute.i

    def _tensor(self, tensor):
        if tensor.data_type in self.narrow:
            dtype = helper.tensor_dtype_to_np_dtype(self.wide)
            wide = numpy_helper.to_array(tensor).astype(dtype)
            tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))


# Half precision is too coarse for differences, and few operators run in bfloat16.
SINGLE = Widening(HALVES, TensorProto.FLOAT)
# Fewer operators run in double precision.
DOUBLE = Widening((*HALVES, TensorProto.FLOAT), TensorProto.DOUBLE)
