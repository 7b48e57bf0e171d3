"""Computes the gradient by PyTorch's autograd, at the tensor that has the values of a given layer."""

import torch
from torch.overrides import TorchFunctionMode

SAME = 2e-3  # tolerance for float32 activations of two engines, as a share of the largest magnitude


def gradients(network, x, targets, index):
    """Returns the scores, and for each target (activations, skipped tokens) the gradients at all tensors equal to it.

    Every function that PyTorch calls is watched. One value in ONNX may be several tensors in PyTorch (views, copies)
    with branches in between, so the gradients of all are returned, in order. What PyTorch computes several times may
    be one value in ONNX: then its gradients add up. Such sums are returned last.
    """
    found = [[] for _ in targets]
    with Watch([(torch.from_numpy(a), skip) for a, skip in targets], found):
        out = network(x.clone().requires_grad_(True))
        while not hasattr(out, "shape"):
            out = out[0] if isinstance(out, (tuple, list)) else next(iter(out.values()))
    out[0, index].backward()
    return out.detach()[0].double().numpy(), [with_sums([e for e in entries if "gradient" in e]) for entries in found]


def with_sums(entries):
    """Returns the gradients, then the sums of those that the same function computed."""
    by_function = {}
    for entry in entries:
        by_function.setdefault(entry["function"], []).append(entry["gradient"].double().numpy())
    every = [gradient for gradients in by_function.values() for gradient in gradients]
    return every + [sum(gradients) for gradients in by_function.values() if len(gradients) > 1]


class Watch(TorchFunctionMode):
    """Finds the tensors that have the values of the targets, and records their gradients."""

    def __init__(self, targets, found):
        super().__init__()
        self.targets, self.found, self.busy = targets, found, False

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if self.busy:
            return result
        self.busy = True
        for r in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(r, torch.Tensor) and r.requires_grad and r.is_floating_point():
                if getattr(function, "__name__", "") == "batch_norm":
                    # PyTorch 2.15 differentiates it wrongly on the CPU if the gradient is transposed (as from
                    # tokens), as central differences in PyTorch itself show.
                    r.register_hook(torch.Tensor.contiguous)
                for (activations, skip), entries in zip(self.targets, self.found, strict=True):
                    self.compare(r, function, activations, skip, entries)
        self.busy = False
        return result

    def compare(self, tensor, function, activations, skip, entries):
        """Adds an entry if the tensor has the values of the activations."""
        largest = activations.abs().max()
        for read in readings(tensor, activations.shape, skip):
            values = read(tensor.detach()).to(activations.dtype)
            near = (values[0, 0, 0] - activations[0, 0, 0]).abs() <= SAME * largest  # saves most of the work
            if near and (values - activations).abs().max() <= SAME * largest:
                entry = {"function": function}
                entries.append(entry)
                tensor.register_hook(lambda g, entry=entry, read=read: entry.update(gradient=read(g.detach())))
                return


def readings(tensor, shape, skip):
    """Yields all ways to read the tensor as (maps, rows, columns)."""
    k, h, w = shape
    n = tensor.numel()
    if n == k * h * w:
        yield lambda t: t.reshape(k, h, w)
        yield lambda t: t.reshape(h, w, k).permute(2, 0, 1)
    elif n % k == 0 and n // k >= skip + h * w:
        dims = [d for d in tensor.shape if d != 1]
        if dims[-1:] == [k]:
            yield lambda t: t.reshape(-1, k)[skip : skip + h * w].reshape(h, w, k).permute(2, 0, 1)
        if dims[:1] == [k]:
            yield lambda t: t.reshape(k, -1)[:, skip : skip + h * w].reshape(k, h, w)
