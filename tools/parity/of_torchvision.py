"""Builds networks of torchvision."""


def network(name, size):
    """Returns a network, the side of its input, and a note of how its size was reduced."""
    from torchvision import models

    if name == "vit_h_14":
        small = models.VisionTransformer(
            image_size=224, patch_size=14, num_layers=8, num_heads=16, hidden_dim=1280, mlp_dim=5120
        )
        return small, 224, "8 of 32 blocks"
    if name == "regnet_y_128gf":
        widths = [528, 1056, 2904, 7392]
        blocks = models.regnet.BlockParams([1, 2, 3, 1], widths, [264] * 4, [1.0] * 4, [2] * 4, 0.25)
        return models.regnet.RegNet(blocks), size, "7 of 27 blocks"
    # Some have a fixed size; adaptive pooling can be exported only for the natural size.
    side = 224 if name.startswith(("vgg", "alexnet", "vit", "maxvit")) else size
    extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    return getattr(models, name)(weights=None, **extra), side, None
