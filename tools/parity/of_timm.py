"""Builds networks of timm."""


def network(name, size):
    """Returns a network, the side of its input, and a note of how its size was reduced."""
    import timm
    import torch

    made = timm.create_model(name).eval()
    config = made.pretrained_cfg
    natural = config["input_size"][1]
    if config.get("fixed_input_size") and natural > 256:
        return timm.create_model(name, img_size=224), 224, "input of 224"
    if config.get("fixed_input_size") or natural < size or name.startswith("vgg"):
        return made, natural, None
    size = max(size, config.get("min_input_size", (3, 0, 0))[1])
    try:
        with torch.no_grad():
            made(torch.zeros(1, 3, size, size))
        return made, size, None
    except Exception:  # some networks do not document which sizes they cannot take
        return made, natural, None
