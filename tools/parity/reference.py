"""The gradient by PyTorch's autograd, at the tensor that has a given layer's values."""

import torch
from torch.overrides import TorchFunctionMode

SAME = 2e-3  # of the largest magnitude: float32 activations of two engines


def gradients(network, x, targets, index):
    """The scores, and for each target (activations, skipped tokens) the gradients at all tensors that equal it.

    Every function that PyTorch calls is watched.  One value may be several tensors in PyTorch (views, copies), and
    between them others may branch off: so all are returned, in order.  What PyTorch computes several times may be one
    value in ONNX: then its gradients add up, and the last ones returned are such sums.
    """
    found = [[] for _ in targets]
    with Watch([(torch.from_numpy(a), skip) for a, skip in targets], found):
        out = network(x.clone().requires_grad_(True))
        while not hasattr(out, "shape"):
            out = out[0] if isinstance(out, (tuple, list)) else next(iter(out.values()))
    out[0, index].backward()
    return out.detach()[0].double().numpy(), [with_sums([e for e in entries if "gradient" in e]) for entries in found]


def with_sums(entries):
    of = {}
    for entry in entries:
        of.setdefault(entry["function"], []).append(entry["gradient"].double().numpy())
    return [g for gradients in of.values() for g in gradients] + [sum(gs) for gs in of.values() if len(gs) > 1]


class Watch(TorchFunctionMode):
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
                    # PyTorch 2.15 differentiates it wrongly on the CPU if the gradient comes transposed (from
                    # tokens, say): central differences of PyTorch itself tell.
                    r.register_hook(torch.Tensor.contiguous)
                for (activations, skip), entries in zip(self.targets, self.found):
                    self.look(r, function, activations, skip, entries)
        self.busy = False
        return result

    def look(self, tensor, function, activations, skip, entries):
        largest = activations.abs().max()
        for read in readings(tensor, activations.shape, skip):
            values = read(tensor.detach()).to(activations.dtype)
            near = (values[0, 0, 0] - activations[0, 0, 0]).abs() <= SAME * largest  # saves most of the work
            if near and (values - activations).abs().max() <= SAME * largest:
                entry = {"function": function}
                entries.append(entry)
                tensor.register_hook(lambda g: entry.update(gradient=read(g.detach())))
                return


def readings(tensor, shape, skip):
    """Every reading of the tensor as maps x rows x columns."""
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
