"""Builds the networks, torchvision's with random weights, and exports them to ONNX."""

import pathlib

import torch
import torchvision

# The early layer of each network; the last feature map is the one that torch-cam chooses.
EARLY = {
    "resnet50": "layer1",
    "vgg16": "features.9",
    "mobilenet_v2": "features.3",
    "efficientnet_b0": "features.2",
    "densenet121": "features.denseblock1",
    "convnext_tiny": "features.1",
    "vit_b_16": None,  # torch-cam explains convolutions only, and there is just one
}

# Late layers of tokens, which torch-cam cannot explain.
TOKENS = {"vit_b_16": "encoder.layers.encoder_layer_10"}

SHAPE = (1, 3, 224, 224)


def build(name: str) -> torch.nn.Module:
    """Builds a network."""
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(weights=None).eval()
    if name == "vit_b_16":  # its head is 0 at initialisation, so there is no gradient
        torch.nn.init.trunc_normal_(model.heads.head.weight, std=0.02)
    return model


def picture() -> torch.Tensor:
    """Returns the input that all tools explain."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(SHAPE, generator=generator) * 4 - 2


def export(name: str, folder: pathlib.Path) -> pathlib.Path:
    """Writes the ONNX file of a network unless it exists; returns its path."""
    path = folder / f"{name}.onnx"
    if not path.exists():
        free = {"picture": {0: "n"}, "scores": {0: "n"}}
        partial = path.with_suffix(".tmp")
        # The fast path of attention cannot be exported.
        torch.backends.mha.set_fastpath_enabled(False)
        torch.onnx.export(
            build(name),
            (picture(),),
            str(partial),
            dynamo=False,
            opset_version=17,
            input_names=["picture"],
            output_names=["scores"],
            dynamic_axes=free,
        )
        partial.rename(path)
    return path
