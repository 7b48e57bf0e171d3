"""The networks: torchvision's, with random weights, and their ONNX files."""

import pathlib

import torch
import torchvision

# The early layer of each; the last feature map is torch-cam's own choice.
EARLY = {
    "resnet50": "layer1",
    "vgg16": "features.9",
    "mobilenet_v2": "features.3",
    "efficientnet_b0": "features.2",
    "densenet121": "features.denseblock1",
    "convnext_tiny": "features.1",
    "vit_b_16": None,  # torch-cam takes maps of convolutions only: there is one
}

# Deep layers of tokens, which torch-cam does not take.
TOKENS = {"vit_b_16": "encoder.layers.encoder_layer_10"}

SHAPE = (1, 3, 224, 224)


def build(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(weights=None).eval()
    if name == "vit_b_16":  # torchvision's begins with a head of zeros, above which there is no gradient
        torch.nn.init.trunc_normal_(model.heads.head.weight, std=0.02)
    return model


def picture() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(SHAPE, generator=generator) * 4 - 2


def export(name: str, folder: pathlib.Path) -> pathlib.Path:
    path = folder / f"{name}.onnx"
    if not path.exists():
        free = {"picture": {0: "n"}, "scores": {0: "n"}}
        partial = path.with_suffix(".tmp")
        # The fast path of attention has no ONNX form.
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
