"""Builds the PyTorch networks with weights given by a formula, and computes their gradients."""

import copy

import timm
import torch
import torchvision

from formula import formula, ten_bits

CLASS = 281
INPUT_SCALE = 2.0
INPUT_NAMES = {"vgg11": "input 2"}  # the names that are hashed for the input, where it is not "input"
NO_AUX = {"aux_logits": False, "init_weights": False}

# For each network: options, side of the input, three modules (early, middle, last), and the axis of their maps.
TORCHVISION = {
    "resnet18": ({}, 96, ["layer1.0", "layer2.1", "layer4.1"], "first"),
    # AdaptiveAvgPool cannot be exported for other sides.
    "vgg11": ({}, 224, ["features.2", "features.9", "features.19"], "first"),
    "mobilenet_v2": ({}, 96, ["features.2", "features.10", "features.18"], "first"),
    "efficientnet_b0": ({}, 96, ["features.2", "features.5", "features.8"], "first"),
    "densenet121": ({}, 96, ["features.denseblock1", "features.denseblock3", "features.denseblock4"], "first"),
    "squeezenet1_1": ({}, 96, ["features.3", "features.7", "features.12"], "first"),
    "googlenet": (NO_AUX, 96, ["inception3a", "inception4c", "inception5b"], "first"),
    "inception_v3": (NO_AUX, 128, ["Mixed_5b", "Mixed_6b", "Mixed_7c"], "first"),
}
# These have fewer blocks. At the last blocks of ViT and DeiT only the class tokens have a gradient.
VIT = {"img_size": 96, "depth": 4}
SWIN = {"img_size": 64, "window_size": 4, "depths": (2, 2), "num_heads": (3, 6)}
CONVNEXT = {"depths": (1, 1, 2, 1), "dims": (24, 48, 96, 192)}
TIMM = {
    "vit_tiny_patch16_224": (VIT, 96, ["blocks.0", "blocks.1", "blocks.2"], "tokens after 1"),
    "deit_tiny_distilled_patch16_224": (VIT, 96, ["blocks.0", "blocks.1", "blocks.2"], "tokens after 2"),
    "swin_tiny_patch4_window7_224": (SWIN, 64, ["layers.0.blocks.0", "layers.0", "layers.1"], "last"),
    "convnext_tiny": (CONVNEXT, 96, ["stages.0", "stages.2", "stages.3"], "first"),
}
ARCHITECTURES = TORCHVISION | TIMM
# The TorchScript exporter keeps BatchNormalization in the graph here; the dynamo exporter folds it.
NETWORKS = [(name, "torchscript") for name in ARCHITECTURES]
NETWORKS += [(name, "dynamo") for name in ("resnet18", "mobilenet_v2", "densenet121", *TIMM)]


def build(architecture, exporter):
    """Returns the float32 model with its weights, the input, and {name of the parameter: (scale, shift)}."""
    options, side, _, _ = ARCHITECTURES[architecture]
    make = timm.create_model if architecture in TIMM else torchvision.models.get_model
    model = make(architecture, **options).eval()
    x = torch.from_numpy(formula(INPUT_NAMES.get(architecture, "input"), (1, 3, side, side), INPUT_SCALE))
    recipe = {name: (0.5, 0.0) for name, _ in model.named_parameters()}  # tokens, positions, scales of layers
    for name, module in model.named_modules():
        if hasattr(module, "inplace"):
            module.inplace = False  # as it overwrites activations that are needed
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            recipe[f"{name}.weight"] = (1.0, 0.0)
            if module.bias is not None:
                recipe[f"{name}.bias"] = (0.09375, 0.0)
        elif isinstance(module, torch.nn.LayerNorm):
            recipe[f"{name}.weight"] = (0.5, 1.0)
            recipe[f"{name}.bias"] = (0.25, 0.0)
        elif isinstance(module, torch.nn.BatchNorm2d):
            # Where the exporter folds, gamma / sqrt(var + eps) is exactly 1 in float32, so that folding leaves the
            # convolution's weights as the formula gives them.
            folds = exporter == "dynamo"
            recipe[f"{name}.weight"] = (0.0 if folds else 0.5, 1.0)
            recipe[f"{name}.bias"] = (0.25, 0.0)
            recipe[f"{name}.running_mean"] = (0.25, 0.0)
            recipe[f"{name}.running_var"] = (0.0, 1.0 - module.eps) if folds else (0.5, 1.0)
    load(model, recipe)

    # One pass in float64 with unit scales finds the scales: each layer's output is scaled as it is computed.
    def rescale(name):
        def hook(module, _, out):
            bias = 0 if module.bias is None else module.bias
            if isinstance(module, torch.nn.Conv2d) and module.bias is not None:
                bias = bias.reshape(-1, 1, 1)
            response = out - bias
            scale = ten_bits(1 / response.square().mean().sqrt().item())
            recipe[f"{name}.weight"] = (scale, 0.0)
            return response * scale + bias

        return hook

    probe = copy.deepcopy(model).double()
    for name, module in probe.named_modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(rescale(name))
    with torch.no_grad():
        probe(x.double())
    load(model, recipe)
    return model, x, recipe


def load(model, recipe):
    """Sets the weights of a model."""
    for name, tensor in model.state_dict().items():
        if name in recipe:
            tensor.copy_(torch.from_numpy(formula(name, tuple(tensor.shape), *recipe[name])))


def differentiate(model, x, modules):
    """Returns the class's score, and for each module its activation and the score's gradient there."""
    found = {}

    def record(name):
        def hook(_module, _inputs, out):
            out.retain_grad()
            found[name] = out

        return hook

    hooks = [model.get_submodule(name).register_forward_hook(record(name)) for name in modules]
    score = model(x.requires_grad_())[0, CLASS]
    score.backward()
    for hook in hooks:
        hook.remove()
    return score.item(), {name: (out.detach().numpy(), out.grad.numpy()) for name, out in found.items()}


def as_maps(array, place):
    """Returns the values of a layer as (maps, rows, columns)."""
    if place == "first":
        return array[0]
    if place.startswith("tokens after "):
        tokens = array[0, int(place.split()[-1]) :]
        side = int(len(tokens) ** 0.5)
        array = tokens.reshape(1, side, side, -1)
    return array[0].transpose(2, 0, 1)
