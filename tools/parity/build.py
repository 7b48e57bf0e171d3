"""Builds and exports a network."""

import importlib

from networks import MODULES


def build(source, name, size, seed):
    """Builds a network with random weights in evaluation mode.

    Returns the network, the side of its input, and a note of how its size was reduced, or None.
    """
    import torch

    module = importlib.import_module(MODULES[source])
    torch.manual_seed(seed)
    if source == "keras":
        import keras

        keras.utils.set_random_seed(seed)
    network, side, note = module.network(name, size)
    network.eval()
    for module in network.modules():  # activations must not be overwritten
        if getattr(module, "inplace", False) is True:
            module.inplace = False
    return network, side, note


def export(network, x, path, exporter):
    """Writes the ONNX file; returns the exporter that succeeded."""
    import torch

    if exporter == "keras":
        network.export(str(path), format="onnx", verbose=False)
        return exporter
    for p in network.parameters():  # otherwise attention takes a path that cannot be exported
        p.requires_grad_(p.is_floating_point())
    names = {"input_names": ["input"], "output_names": ["logits"]}
    try:
        if exporter == "torchscript":
            try:
                torch.onnx.export(network, (x,), str(path), dynamo=False, **names)
                return exporter
            except Exception as e:  # the other exporter can export some of these
                first = e
        try:
            torch.onnx.export(network, (x,), str(path), dynamo=True, verbose=False, **names)
        except Exception as e:
            if exporter == "torchscript":
                raise first from e
            raise
        return "dynamo"
    finally:
        for p in network.parameters():
            p.requires_grad_(False)
