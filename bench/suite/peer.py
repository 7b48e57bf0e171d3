"""Runs one Python tool on one network, once for each line that it reads.

    python bench/suite/peer.py TOOL NETWORK LAYER N THREADS

First it explains once without timing that, and prints the layer. Then, for each line of stdin, it computes an
explanation and a bare forward pass, and prints their times and the peak memory of the process so far.
"""

import json
import os
import sys
import time
from functools import partial

import torch

import networks

STD = 0.3


def torch_cam(model, layer, samples):
    """Returns the layer and a function that explains an input with torch-cam."""
    from torchcam.methods import GradCAM, SmoothGradCAMpp

    cam = SmoothGradCAMpp(model, layer, num_samples=samples, std=STD) if samples else GradCAM(model, layer)

    def explain(x, warm_up=False):
        if samples:
            cam.num_samples = 1 if warm_up else samples
        scores = model(x)
        return cam(scores.argmax().item(), scores)

    return cam.target_names[0], explain


def grad_cam(model, layer, samples, plus_plus=False):
    """Returns the layer and a function that explains an input with grad-cam."""
    from pytorch_grad_cam import GradCAM, GradCAMPlusPlus

    cam = (GradCAMPlusPlus if plus_plus else GradCAM)(model=model, target_layers=[model.get_submodule(layer)])
    return layer, lambda x, warm_up=False: cam(input_tensor=x, targets=None)


def captum(model, layer, samples):
    """Returns the layer and a function that explains an input with captum."""
    from captum.attr import LayerGradCam, NoiseTunnel

    cam = LayerGradCam(model, model.get_submodule(layer))
    noisy = NoiseTunnel(cam)

    def explain(x, warm_up=False):
        target = model(x).argmax().item()
        if not samples:
            return cam.attribute(x, target=target)
        count = 1 if warm_up else samples
        return noisy.attribute(x, nt_samples=count, nt_samples_batch_size=1, stdevs=STD, target=target)

    return layer, explain


TOOLS = {
    "torch-cam": torch_cam,
    "grad-cam": grad_cam,
    "grad-cam (++)": partial(grad_cam, plus_plus=True),
    "captum": captum,
}


def peak_memory():
    """Returns the peak memory of this process, in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def milliseconds(work):
    """Measures how long a function takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def main():
    tool, network, layer, samples, threads = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # packages print to stdout
    torch.set_num_threads(int(threads))
    model, x = networks.build(network), networks.picture()

    def forward():
        with torch.inference_mode():
            model(x)

    layer, explain = TOOLS[tool](model, None if layer == "default" else layer, int(samples))
    explain(x, warm_up=True)
    print(json.dumps({"layer": layer}), file=out, flush=True)
    for _ in sys.stdin:
        explained = milliseconds(lambda: explain(x))
        peak = peak_memory()
        forward()
        print(
            json.dumps({"explain_ms": explained, "forward_ms": milliseconds(forward), "peak_memory": peak}),
            file=out,
            flush=True,
        )


if __name__ == "__main__":
    main()
