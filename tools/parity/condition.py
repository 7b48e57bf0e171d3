"""Changes the random weights of a network so that its gradient in float32 is accurate.

At initialisation, branches are switched off (layer scales and residual gammas of 0), and normalisation by statistics
that were never measured lets activations vanish or explode. Besides, deep random networks with BatchNorm are chaotic:
rounding errors grow from layer to layer, and among millions of ReLUs some have an input that float32 cannot distinguish
from 0. Such units switch, in each engine others. Trained networks behave better, and these are made to: BatchNorm is
calibrated, most units behind it are on, and its biases are shifted until no input of a ReLU is too close to 0. In front
of a MaxPool, however, few units are on, so that few windows have two values that are too close to each other.
"""

import contextlib

import torch
from torch.overrides import TorchFunctionMode

NORM_WEIGHT, NORM_BIAS = 0.5, 1.0
BIAS_INDEX = {"conv2d": 2, "group_norm": 3}  # the index of the argument
KINKED = ("relu", "relu6", "hardtanh", "leaky_relu", "hardswish")


def condition(network, pictures):
    """Changes the weights. `pictures` are a batch; the first one is the input that is compared."""
    with torch.no_grad():
        liven(network)
        with keras_batchnorm(), Calibrate():
            network(pictures)
    for p in network.parameters():
        p.requires_grad_(False)
    for m in network.modules():  # biases computed from the old weights
        if isinstance(getattr(m, "attention_bias_cache", None), dict):
            m.attention_bias_cache.clear()


def liven(network):
    """Randomises weights that are constant at initialisation."""
    norm = (torch.nn.LayerNorm, torch.nn.GroupNorm, torch.nn.modules.batchnorm._NormBase)
    of_norm = {id(p) for m in network.modules() if isinstance(m, norm) for p in m.parameters(recurse=False)}
    for m in network.modules():
        if isinstance(m, (torch.nn.modules.batchnorm._BatchNorm, torch.nn.GroupNorm)) and m.affine:
            m.weight.copy_(NORM_WEIGHT * around_one(m.weight))
            if m.bias is not None:
                m.bias.copy_(NORM_BIAS + 0.1 * torch.randn_like(m.bias))
    for name, p in network.named_parameters():
        if not p.is_floating_point() or (p.numel() > 1 and p.std() > 1e-4 * max(1e-3, p.abs().max())):
            continue
        value = p.flatten()[0].item()
        if p.numel() == 1:
            if abs(value) < 1e-3:
                p.fill_(0.3)
        elif value == 0 and p.dim() >= 2 and name.endswith("weight"):
            p.copy_(torch.randn_like(p) / p[0].numel() ** 0.5)
        elif value == 0 and not (id(p) in of_norm and name.endswith("weight")):
            p.copy_(torch.randn_like(p) * 0.1)
        else:  # the weight of a normalisation, or a layer scale
            p.copy_(around_one(p) * (value if abs(value) > 0.09 else 0.4))


def around_one(tensor):
    """Returns random numbers from 0.5 to 1.5 in the shape of a tensor."""
    return torch.rand_like(tensor) + 0.5


def statistics(x, axis):
    """Returns the mean and variance of a BatchNorm's input; the variance is not so small that noise is amplified."""
    axes = [i for i in range(x.dim()) if i != axis % x.dim()]
    mean, var = x.mean(axes), x.var(axes, unbiased=False)
    return mean, torch.maximum(var, torch.maximum(var.mean() * 0.5, mean**2 * 0.1)).clamp_(min=1e-8)


class Calibrate(TorchFunctionMode):
    """Sets the statistics of each BatchNorm and keeps inputs of ReLUs away from 0, while the network runs."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        parameters = ("input", "running_mean", "running_var", "weight", "bias")  # those of batch_norm
        arguments = dict(zip(parameters, args, strict=False)) | (kwargs or {})
        name = getattr(function, "__name__", "")
        bias = None
        if name == "batch_norm":
            mean, var = arguments["running_mean"], arguments["running_var"]
            if mean is not None:
                for old, new in zip((mean, var), statistics(arguments["input"], 1), strict=True):
                    old.copy_(new)
                bias = arguments.get("bias")
        elif name in BIAS_INDEX:
            index = BIAS_INDEX[name]
            bias = (kwargs or {}).get("bias", args[index] if len(args) > index else None)
        elif name in ("add", "add_", "__add__", "__iadd__"):
            bias = next((b for b in map(shifted_by, args) if b is not None), None)
        elif name in KINKED and args and shifted_by(args[0]) is not None and args[0][0, 0].numel() > 1:
            args = (shift(args[0], away_from_zero(args[0])), *args[1:])
        elif name == "max_pool2d" and hasattr(args[0], "rectified"):
            before = args[0].rectified
            before = shift(before, -before[0].flatten(1).quantile(0.9, 1).reshape(1, -1, 1, 1))
            args = (shift(before, away_from_zero(before)).relu(), *args[1:])
        result = function(*args, **(kwargs or {}))
        if name == "relu" and shifted_by(args[0]) is not None and result[0, 0].numel() > 1:
            result.rectified = args[0]
        if bias is not None and result.dim() == 4 and bias.numel() == result.shape[1]:
            result.shifted_by = bias
        return result


def shifted_by(value):
    """Returns the parameter that shifts a tensor's channels; None if there is none."""
    return getattr(value, "shifted_by", None)


def shift(t, by):
    """Shifts the channels of a tensor, and the parameter that shifts them, by the same amounts."""
    shifted_by(t).add_(by.flatten())
    result = t + by
    result.shifted_by = t.shifted_by
    return result


def away_from_zero(t):
    """Returns for each channel the shift that moves 0 to the middle of the widest gap between values near 0."""
    v = t[0].flatten(1).sort(1).values
    reach = 0.3 * v.std(1, keepdim=True)
    middles = (v[:, 1:] + v[:, :-1]) / 2
    room = torch.where(middles.abs() <= reach, v[:, 1:] - v[:, :-1], torch.zeros(())) / 2
    fixed = torch.cat([-reach, 0 * reach, reach], 1)
    at_fixed = torch.stack([(v - fixed[:, i : i + 1]).abs().amin(1) for i in range(3)], 1)
    room, places = torch.cat([room, at_fixed], 1), torch.cat([middles, fixed], 1)
    return -places.gather(1, room.argmax(1, keepdim=True)).reshape(1, -1, 1, 1)


@contextlib.contextmanager
def keras_batchnorm():
    """Calibrates Keras's BatchNormalization as a layer, because it consists of elementary operations."""
    try:
        from keras.layers import BatchNormalization
    except ImportError:
        yield
        return
    call = BatchNormalization.call

    def calibrated(self, inputs, *args, **kwargs):
        mean, var = statistics(inputs, self.axis)
        self.moving_mean.assign(mean)
        self.moving_variance.assign(var)
        if self.scale:
            self.gamma.assign(NORM_WEIGHT * around_one(mean))
        if self.center:
            self.beta.assign(NORM_BIAS + 0.1 * torch.randn_like(mean))
        return call(self, inputs, *args, **kwargs)

    BatchNormalization.call = calibrated
    try:
        yield
    finally:
        BatchNormalization.call = call
