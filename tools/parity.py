"""Compare smoothcam's gradients with PyTorch's autograd, network by network: `docs/coverage.md`.

    python -m venv .venv && .venv/bin/pip install -r tools/requirements-parity.txt
    cargo build --release
    .venv/bin/python tools/parity.py --smoothcam target/release/smoothcam torchvision
    .venv/bin/python tools/parity.py --smoothcam target/release/smoothcam timm --only resnet18 vit_tiny_patch16_224
    .venv/bin/python tools/parity.py --smoothcam target/release/smoothcam keras
    .venv/bin/python tools/parity.py report                      # only writes docs/coverage.md anew

The weights are random and nothing is downloaded.  Parameters and statistics that are constant at initialisation
(BatchNorm, layer scale, residual gammas, biases) are disturbed, and BatchNorm is calibrated with a picture, so that
no branch is switched off and activations stay healthy.  BatchNorm's biases are moved a little so that few ReLUs have
inputs that float32 cannot tell from zero: such units switch, in every engine another.

For each network the layers that smoothcam lists are asked for, and at three of them (the default, the first, and one
in the middle) `d1` of `--arrays` is compared with autograd's gradient.  The tensor within PyTorch is found by its
values: every function that PyTorch calls is watched, and the first result that equals `activations`, in whatever
layout, is the one.  The error is the largest difference over the largest magnitude, against PyTorch in float32.

Where that is above 1e-4, PyTorch in float64 is the judge.  Units of ReLU and MaxPool whose inputs lie closer together
than float32 can tell switch in every engine at another place; how much that alone can change is measured by running
PyTorch in float32 several times, with weights and input disturbed by about float32's precision (3e-7).  An error of
no more than this is "rounding", not a failure; the error in norm is given, too.

Results are kept as JSON lines (tools/parity.jsonl), one a network and exporter; networks that are there are skipped
unless `--redo` or `--only` is given.  Keras runs on its PyTorch backend.
"""

import argparse
import copy
import json
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLASS = 7
TOLERANCE = 1e-4

# Their float32 weights and a float64 copy need more memory, or the comparison more time, than is sensible.
GIANTS = {"vit_h_14", "regnet_y_128gf"}

TIMM = """
resnet18 resnet26d resnext50_32x4d resnetv2_50 resnetv2_50x1_bit seresnet18 ecaresnet26t skresnet18 resnest14d
gcresnext26ts resnetblur50 resnetaa50 wide_resnet50_2 legacy_senet154 legacy_seresnet18
regnetx_002 regnety_002 regnetz_005 regnetz_c16_evos gernet_s
densenet121 vgg11_bn inception_v3 inception_v4 inception_resnet_v2 legacy_xception xception41
efficientnet_b0 efficientnet_lite0 efficientnetv2_rw_t tf_efficientnet_b0 tf_efficientnetv2_b0 mobilenetv2_100
mobilenetv3_small_100 mobilenetv4_conv_small mobilenetv4_conv_aa_medium mobilenetv4_hybrid_medium mnasnet_100
semnasnet_075 spnasnet_100 fbnetc_100 fbnetv3_b ghostnet_100 ghostnetv2_100 ghostnetv3_050 repghostnet_050
hardcorenas_a lcnet_050 tinynet_e rexnet_100 mixnet_s
dla34 dla60_res2net dpn48b dpn68 hrnet_w18_small res2net50_26w_4s cspresnet50 cspresnext50 cspdarknet53 darknet53
nfnet_l0 dm_nfnet_f0 eca_nfnet_l0 nf_regnet_b0 nf_resnet26 vovnet39a ese_vovnet19b_dw selecsls42b tresnet_m
convnext_atto convnext_atto_rms convnextv2_atto convmixer_768_32 inception_next_atto edgenext_xx_small
repvgg_a0 repvit_m0_9 mobileone_s0 fastvit_t8 fasternet_t0 starnet_s050 hgnet_tiny hgnetv2_b0 rdnet_tiny
mambaout_femto shvit_s1 swiftformer_xs csatv2
efficientvit_b0 efficientvit_l1 efficientvit_m0 efficientformer_l1 efficientformerv2_s0 poolformer_s12
poolformerv2_s12 caformer_s18 convformer_s18 nextvit_small mobilevit_xxs mobilevitv2_050
vit_tiny_patch16_224 vit_small_patch32_224 vit_tiny_r_s16_p8_224 vit_relpos_small_patch16_224 flexivit_small
vit_medium_patch16_reg4_gap_256 vit_base_patch16_rope_224 vit_small_patch16_dinov3 vit_small_patch14_dinov2
vit_small_patch14_reg4_dinov2 vit_base_patch32_clip_224 vit_base_patch32_siglip_256 samvit_base_patch16_224
deit_tiny_patch16_224 deit_tiny_distilled_patch16_224 deit3_small_patch16_224 beit_base_patch16_224
beitv2_base_patch16_224 eva02_tiny_patch14_224 cait_xxs24_224 xcit_nano_12_p16_224 crossvit_9_240 levit_128s
pit_ti_224 pit_ti_distilled_224 pvt_v2_b0 swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 swinv2_cr_tiny_224
twins_svt_small twins_pcpvt_small coat_lite_tiny coat_tiny coatnet_nano_rw_224 maxvit_nano_rw_256 maxvit_tiny_tf_224
maxxvit_rmlp_nano_rw_256 convit_tiny tnt_s_patch16_224 visformer_tiny volo_d1_224 mvitv2_tiny hiera_tiny_224
davit_tiny focalnet_tiny_srf gcvit_xxtiny nest_tiny sequencer2d_s mixer_s32_224 gmlp_ti16_224 resmlp_12_224
tiny_vit_5m_224 botnet26t_256 halonet26t lambda_resnet26t bat_resnext26ts sebotnet33ts_256 vitamin_small_224
naflexvit_base_patch16_gap
""".split()

KERAS = """
MobileNet MobileNetV2 MobileNetV3Small ResNet50 ResNet50V2 VGG16 DenseNet121 InceptionV3 InceptionResNetV2 Xception
EfficientNetB0 EfficientNetV2B0 NASNetMobile ConvNeXtTiny
""".split()


class NotSupported(Exception):
    """The network cannot be built or exported: nothing to compare."""


# ---------------------------------------------------------------- networks


def torchvision_size(name, size):
    if name.startswith(("vgg", "alexnet", "vit", "maxvit")):
        return 224  # fixed, or adaptive pooling that the exporter only takes from the natural size
    if name.startswith("inception"):
        return 299
    return size


def build(source, name, size):
    """The network, in evaluation mode, and the height and width of its input."""
    import torch

    torch.manual_seed(0)
    if source == "torchvision":
        import torchvision

        extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
        return getattr(torchvision.models, name)(weights=None, **extra).eval(), torchvision_size(name, size)
    if source == "timm":
        import timm

        network = timm.create_model(name, pretrained=False).eval()
        config = network.pretrained_cfg
        natural = config["input_size"][1]
        if config.get("fixed_input_size") or natural < size or "inception" in name or name.startswith("vgg"):
            return network, natural
        minimum = config.get("min_input_size")
        size = max(size, minimum[1]) if minimum else size
        try:
            with torch.no_grad():
                network(torch.zeros(1, 3, size, size))
            return network, size
        except Exception:
            return network, natural
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    keras.utils.set_random_seed(0)
    shape = {"InceptionV3": 160, "InceptionResNetV2": 160, "Xception": 160, "NASNetMobile": 224}.get(name, size)
    network = getattr(keras.applications, name)(weights=None, input_shape=(shape, shape, 3))
    for layer in network.layers:
        if getattr(layer, "activation", None) is not None and layer is network.layers[-1]:
            layer.activation = keras.activations.linear
    network.eval()
    return network, shape


def liven(network, pictures):
    """Disturbs what is constant at initialisation, and calibrates BatchNorm."""
    import torch

    norms = (torch.nn.LayerNorm, torch.nn.GroupNorm, torch.nn.modules.batchnorm._NormBase)
    of_norm = {id(p) for m in network.modules() if isinstance(m, norms) for p in m.parameters(recurse=False)}
    with torch.no_grad():
        for name, p in network.named_parameters():
            if not p.is_floating_point() or p.numel() < 2 or p.std() > 1e-4 * max(1e-3, p.abs().max()):
                if p.numel() == 1 and p.is_floating_point() and p.abs().max() < 1e-3:
                    p.fill_(0.3)
                continue
            value = p.flatten()[0].item()
            noise = torch.rand_like(p) + 0.5
            if id(p) in of_norm or abs(value) >= 0.5:
                if name.endswith("bias") or value == 0 and not name.endswith("weight"):
                    p.add_(torch.randn_like(p) * 0.1)
                else:
                    p.copy_(noise * (value if abs(value) > 0.01 else 0.7))
            elif value == 0 and p.dim() >= 2 and name.endswith("weight"):
                p.copy_(torch.randn_like(p) / p[0].numel() ** 0.5)
            elif value == 0:
                p.copy_(torch.randn_like(p) * 0.1)
            else:  # layer scale
                p.copy_(noise * (value if abs(value) > 0.09 else 0.4))
        batchnorms = [m for m in network.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]

        def calibrate(m, arguments):  # before each BatchNorm, so that it sees what the disturbed ones below give
            x = arguments[0]
            if m.running_var is None:
                return
            axes = [i for i in range(x.dim()) if i != 1]
            mean, var = x.mean(axes), x.var(axes, unbiased=False)
            var = torch.maximum(var, torch.maximum(var.mean() * 0.5, mean**2 * 0.5)).clamp_(min=1e-8)
            m.running_mean.copy_(mean + torch.randn_like(mean) * 0.1 * var.sqrt())
            m.running_var.copy_(var * (torch.rand_like(var) + 0.75))

        hooks = [m.register_forward_pre_hook(calibrate) for m in batchnorms]
        if hooks:
            network(pictures)
        for hook in hooks:
            hook.remove()
    for p in network.parameters():
        p.requires_grad_(False)
    network.eval()
    for m in network.modules():  # biases that were computed before
        if isinstance(getattr(m, "attention_bias_cache", None), dict):
            m.attention_bias_cache.clear()


def separate(network, x):
    """Moves BatchNorm's biases so that, at this input, no ReLU behind one has an input too close to zero to tell."""
    import torch
    from torch.overrides import TorchFunctionMode

    def shift(t):
        v = t[0].flatten(1).sort(1).values
        reach = 0.3 * v.std(1, keepdim=True)
        middles = (v[:, 1:] + v[:, :-1]) / 2
        room = torch.where(middles.abs() <= reach, v[:, 1:] - v[:, :-1], torch.zeros(())) / 2
        fixed = torch.cat([-reach, 0 * reach, reach], 1)
        at_fixed = torch.stack([(v - fixed[:, i : i + 1]).abs().amin(1) for i in range(3)], 1)
        all_, places = torch.cat([room, at_fixed], 1), torch.cat([middles, fixed], 1)
        return -places.gather(1, all_.argmax(1, keepdim=True)).reshape(1, -1, 1, 1)

    class Move(TorchFunctionMode):
        biases = {}

        def __torch_function__(self, function, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            name = getattr(function, "__name__", "")
            if name == "batch_norm":
                bias = kwargs.get("bias", args[4] if len(args) > 4 else None)
                if bias is not None:
                    self.biases[bias.numel()] = bias
            elif name in ("relu", "relu6", "hardtanh", "leaky_relu") and args and args[0].dim() == 4:
                bias = self.biases.get(args[0].shape[1])
                if bias is not None and args[0][0, 0].numel() > 1:
                    move = shift(args[0])
                    bias.add_(move.flatten())
                    args = (args[0] + move, *args[1:])
            return function(*args, **kwargs)

    with torch.no_grad(), Move():
        network(x)


def preprocessed(options, size, folder):
    """What smoothcam makes of the picture, at this size."""
    import numpy as np
    import torch

    class Small(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 10)

        def forward(self, x):
            return self.last(torch.relu(self.first(x)).mean((2, 3)))

    model = folder / "small.onnx"
    torch.onnx.export(Small(), (torch.zeros(1, 3, size, size),), str(model), dynamo=False)
    run(options.smoothcam, "explain", options.picture, "--model", model, "--method", "grad-cam", "--class", 0,
        "--arrays", folder / "small.npz", "-o", folder / "small.png", "--json")
    with np.load(folder / "small.npz") as z:
        return torch.from_numpy(z["input"])


def logits(output):
    while not hasattr(output, "shape"):
        output = output[0] if isinstance(output, (tuple, list)) else next(iter(output.values()))
    return output


# ---------------------------------------------------------------- the gradient in PyTorch


def as_maps(tensor, shape, skip):
    """Every reading of the tensor as maps x rows x columns."""
    k, h, w = shape
    n = tensor.numel()
    if n < k * h * w or n % k:
        return
    dims = [d for d in tensor.shape if d != 1]
    if n == k * h * w:
        if dims[:1] == [k] or k == 1:
            yield "maps first", lambda t: t.reshape(k, h, w)
        if dims[-1:] == [k] or k == 1:
            yield "maps last", lambda t: t.reshape(h, w, k).permute(2, 0, 1)
        yield "maps first, reshaped", lambda t: t.reshape(k, h, w)
        yield "maps last, reshaped", lambda t: t.reshape(h, w, k).permute(2, 0, 1)
    elif n // k == skip + h * w or len(dims) == 2:
        if dims[-1:] == [k]:
            yield "tokens", lambda t: t.reshape(-1, k)[skip : skip + h * w].reshape(h, w, k).permute(2, 0, 1)
        if dims[:1] == [k]:
            yield "tokens last", lambda t: t.reshape(k, -1)[:, skip : skip + h * w].reshape(k, h, w)


def autograd(network, x, targets):
    """Scores, and for each target (activations, skip) the gradients at all tensors that equal it."""
    import torch
    from torch.overrides import TorchFunctionMode

    found = [[] for _ in targets]
    wanted = [(torch.from_numpy(a), float(abs(a).max()), s) for a, s in targets]

    class Watch(TorchFunctionMode):
        busy = False

        def look(self, tensor, where):
            for (a, largest, skip), list_ in zip(wanted, found):
                for layout, read in as_maps(tensor, a.shape, skip):
                    v = read(tensor.detach()).to(a.dtype)
                    if abs(v[0, 0, 0] - a[0, 0, 0]) > 2e-3 * largest or (v - a).abs().max() > 2e-3 * largest:
                        continue
                    entry = {"where": where, "layout": layout, "gradient": None}
                    list_.append(entry)

                    def keep(g, entry=entry, read=read):
                        entry["gradient"] = read(g.detach())

                    tensor.register_hook(keep)
                    break

        def __torch_function__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            if not self.busy:
                self.busy = True
                try:
                    for r in result if isinstance(result, (tuple, list)) else [result]:
                        if isinstance(r, torch.Tensor) and r.requires_grad and r.is_floating_point():
                            self.look(r, getattr(function, "__name__", str(function)))
                finally:
                    self.busy = False
            return result

    x = x.clone().requires_grad_(True)
    with Watch():
        out = logits(network(x))
    out[0, CLASS].backward()
    return out.detach()[0].double().numpy(), [
        [(e["where"], e["layout"], e["gradient"].double().numpy()) for e in list_ if e["gradient"] is not None]
        for list_ in found
    ]


def difference(a, b):
    import numpy as np

    largest = float(np.abs(b).max())
    norm = float(np.linalg.norm(b))
    return (
        float(np.abs(a - b).max()) / largest if largest else float(np.abs(a).max()),
        float(np.linalg.norm(a - b)) / norm if norm else float(np.linalg.norm(a)),
    )


# ---------------------------------------------------------------- one network


def run(smoothcam, *arguments, limit=300):
    r = subprocess.run([smoothcam, *map(str, arguments)], capture_output=True, text=True, timeout=limit)
    if r.returncode:
        raise RuntimeError(f"smoothcam {arguments[0]}: exit {r.returncode}: {r.stderr.strip()}")
    return json.loads(r.stdout)


def export(network, x, path, exporter, source):
    import torch

    kw = {"input_names": ["input"], "output_names": ["logits"]}
    if exporter == "torchscript":
        kw |= {"dynamo": False}
    else:
        kw |= {"dynamo": True, "verbose": False}
    for p in network.parameters():  # without it, attention takes a path that cannot be exported
        p.requires_grad_(p.is_floating_point())
    torch.onnx.export(network, (x,), str(path), **kw)
    for p in network.parameters():
        p.requires_grad_(False)


def skipped(axes):
    return axes["tokens"]["skip"] if isinstance(axes, dict) and "tokens" in axes else 0


def compare(options, source, name, exporter, report):
    import numpy as np
    import torch
    from PIL import Image

    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    started = time.time()
    try:
        network, size = build(source, name, options.size)
        for module in network.modules():
            if getattr(module, "inplace", False) is True:
                module.inplace = False
        picture = Image.open(options.picture).convert("RGB")
        crops = [picture, picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), picture.crop((0, 0, 200, 200)),
                 picture.rotate(180)]
        pictures = torch.stack(
            [torch.from_numpy(np.array(p.resize((size, size)), np.float32)) / 58 - 2.1 for p in crops]
        )
        if source != "keras":
            pictures = pictures.permute(0, 3, 1, 2).contiguous()
        liven(network, pictures)
    except Exception as e:
        raise NotSupported(f"cannot be built: {type(e).__name__}: {str(e)[:300]}")
    report["size"] = size
    report["parameters"] = sum(p.numel() for p in network.parameters())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model = folder / "model.onnx"
        if source != "keras" and any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in network.modules()):
            separate(network, preprocessed(options, size, folder))
        try:
            export(network, pictures[:1], model, exporter, source)
        except Exception as e:
            raise NotSupported(f"cannot be exported: {type(e).__name__}: {str(e)[:300]}")
        report["exported"] = round(time.time() - started, 1)
        before = time.time()
        layers = run(options.smoothcam, "layers", "--json", "--model", model)
        report["layers_seconds"] = round(time.time() - before, 1)
        features = [l for l in layers if l["feature"]]
        acting = [l for l in features if l["noise_acts"] is not None]
        report["count"] = len(features)
        if not acting:
            raise RuntimeError(f"no feature layer ({len(layers)} layers, {len(features)} of them feature layers)")
        default = ([l for l in acting if l["noise_acts"]] or acting)[-1]
        below = acting[: acting.index(default)]
        chosen = [("default", default)]
        if below:
            chosen.append(("early", below[0]))
        if len(below) > 2:
            chosen.append(("middle", below[len(below) // 2]))
        if options.plain and acting[-1] is not default:
            chosen.append(("default without noise", acting[-1]))
        results, targets, x, scores = [], [], None, None
        for role, layer in chosen:
            result = {"role": role, "layer": layer["name"], "module": layer.get("module"),
                      "maps": layer["maps"], "grid": [layer["height"], layer["width"]], "axes": layer["axes"]}
            report["layers"].append(result)
            before = time.time()
            try:
                manifest = run(options.smoothcam, "explain", options.picture, "--model", model, "--method", "grad-cam",
                               "--layer", layer["name"], "--class", CLASS, "--arrays", folder / "a.npz",
                               "-o", folder / "o.png", "--json")
            except (RuntimeError, subprocess.TimeoutExpired) as e:
                result["error_message"] = str(e)[:1000]
                continue
            result["seconds"] = round(time.time() - before, 2)
            with np.load(folder / "a.npz") as z:
                arrays = {k: z[k] for k in ("input", "scores", "activations", "d1")}
            x, scores = torch.from_numpy(arrays["input"]), arrays["scores"]
            results.append((result, arrays["d1"].astype(np.float64)))
            targets.append((arrays["activations"], skipped(layer["axes"])))
    if not results:
        return
    if source == "keras" and x.shape[1] == 3:
        x = x.permute(0, 2, 3, 1).contiguous()
    expected, gradients = autograd(network, x, targets)
    report["score_error"] = difference(scores, expected)[0]
    where = []
    for (result, d1), candidates in zip(results, gradients):
        if not candidates:
            result["error_message"] = "no tensor in PyTorch equals the activations"
            where.append(None)
            continue
        errors = [difference(d1, g) for _, _, g in candidates]
        best = 0 if errors[0][0] <= TOLERANCE else min(range(len(errors)), key=lambda i: errors[i][0])
        where.append(best)
        result |= {"error": errors[best][0], "norm_error": errors[best][1], "torch": candidates[best][0],
                   "torch_layout": candidates[best][1], "candidate": best,
                   "largest": float(np.abs(candidates[best][2]).max())}
    doubtful = [i for i, (r, _) in enumerate(results) if r.get("error", 0) > TOLERANCE]
    if not doubtful:
        return
    double = copy.deepcopy(network).double()
    _, exact = autograd(double, x.double(), targets)
    del double
    spread = {}
    for seed in range(1 + options.jitters):
        disturbed, y = network, x
        if seed:
            torch.manual_seed(seed)
            disturbed = copy.deepcopy(network)
            with torch.no_grad():
                for p in disturbed.parameters():
                    if p.is_floating_point():
                        p.mul_(1 + 3e-7 * torch.randn_like(p))
            y = x * (1 + 3e-7 * torch.randn_like(x))
        _, again = autograd(disturbed, y, targets)
        for i in doubtful:
            b = where[i]
            if b < len(again[i]) and b < len(exact[i]):
                spread.setdefault(i, []).append(difference(again[i][b][2], exact[i][b][2]))
    for i in doubtful:
        result, d1 = results[i]
        b = where[i]
        if b >= len(exact[i]) or not spread.get(i):
            continue
        result["error64"], result["norm_error64"] = difference(d1, exact[i][b][2])
        result["torch32_error64"], result["torch32_norm_error64"] = spread[i][0]
        result["spread"] = max(e for e, _ in spread[i])
        result["norm_spread"] = max(e for _, e in spread[i])


def verdict(result):
    """`ok`, `rounding` (float32 cannot tell), or `failed`."""
    if "error" not in result:
        return "failed"
    if result["error"] <= TOLERANCE or result.get("error64", 1) <= TOLERANCE:
        return "ok"
    if "error64" in result and (
        result["error64"] <= 3 * result["spread"] and result["norm_error64"] <= 3 * result["norm_spread"]
    ):
        return "rounding"
    return "failed"


def child(options, source, name, exporter, pipe):
    os.setsid()
    silence = os.open(os.devnull, os.O_WRONLY)  # the exporters write whole graphs
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    report = {"source": source, "model": name, "exporter": exporter, "layers": []}
    started = time.time()
    try:
        compare(options, source, name, exporter, report)
    except NotSupported as e:
        report["unsupported"] = str(e)
    except Exception as e:
        report["failure"] = str(e)[:1500] or type(e).__name__
        report["traceback"] = traceback.format_exc()[-600:]
        if isinstance(e, RuntimeError) and str(e).startswith("smoothcam"):
            del report["traceback"]
    report["seconds"] = round(time.time() - started, 1)
    pipe.send(report)
    pipe.close()


def work(options, tasks, done):
    """Runs the tasks, a process each, `--jobs` at a time."""
    context = multiprocessing.get_context("fork")
    running, tasks = [], list(tasks)
    while running or tasks:
        while tasks and len(running) < options.jobs:
            task = tasks.pop(0)
            receiver, sender = context.Pipe(False)
            process = context.Process(target=child, args=(options, *task, sender))
            process.start()
            sender.close()
            running.append((task, process, receiver, time.time()))
        time.sleep(0.1)
        for entry in list(running):
            task, process, receiver, since = entry
            report = None
            if receiver.poll():
                try:
                    report = receiver.recv()
                except EOFError:
                    process.join()
                    report = {"failure": f"the process ended: exit {process.exitcode} (out of memory?)"}
            elif time.time() - since > options.limit:
                report = {"failure": f"took longer than {options.limit} s"}
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    process.kill()
            if report is None:
                continue
            process.join()
            running.remove(entry)
            source, name, exporter = task
            done({"source": source, "model": name, "exporter": exporter, "layers": [], **report})


# ---------------------------------------------------------------- the report


def read_results(path):
    results = {}
    if path.exists():
        for line in path.read_text().splitlines():
            r = json.loads(line)
            results[r["source"], r["model"], r["exporter"]] = r
    return results


def outcome(report):
    if "unsupported" in report:
        return "not exported"
    if "failure" in report:
        return "failed"
    verdicts = [verdict(l) for l in report["layers"]]
    return "failed" if "failed" in verdicts or not verdicts else "rounding" if "rounding" in verdicts else "ok"


def cell(text, limit=220):
    text = " ".join(str(text).split()).replace("|", "\\|")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def axes_name(axes):
    if isinstance(axes, dict):
        skip = skipped(axes)
        return f"tokens after {skip}" if skip else "tokens"
    return {"channels_first": "maps first", "channels_last": "maps last"}.get(axes, str(axes))


def why(report):
    if "unsupported" in report:
        return report["unsupported"]
    if "failure" in report:
        return report["failure"]
    notes = []
    for l in report["layers"]:
        v = verdict(l)
        if "error_message" in l:
            notes.append(f"{l['role']}: {l['error_message']}")
        elif v == "failed" or v == "rounding":
            text = f"{l['role']}: {l['error']:.0e}"
            if "error64" in l:
                text = (f"{l['role']}: {l['error64']:.0e} from float64 ({l['norm_error64']:.0e} by norm), "
                        f"PyTorch's float32 up to {l['spread']:.0e} ({l['norm_spread']:.0e})")
            notes.append(text)
    return "; ".join(notes)


def write_report(results, path):
    sources = {}
    for r in results.values():
        sources.setdefault((r["source"], r["exporter"]), []).append(r)
    titles = {"torchvision": "torchvision", "timm": "timm", "keras": "Keras applications"}
    lines = [
        "# Coverage", "",
        "<!-- written by tools/parity.py -->", "",
        "smoothcam's gradients against PyTorch's autograd: each network is built with random weights, exported to ONNX, "
        "and the class's gradient is compared at three of the layers that `smoothcam layers` lists: the default layer "
        "(with noise), the first, and one in the middle. The error is the largest difference over the largest "
        "magnitude, in float32.", "",
        "- **ok**: at most 1e-4 at all layers, against PyTorch in float32 or float64.",
        "- **rounding**: more, but no more than threefold what PyTorch's own float32 gradient deviates from float64 if "
        "weights and input are disturbed by float32's precision. Units of ReLU and MaxPool whose inputs lie closer "
        "together than float32 can tell switch in every engine at another place.",
        "- **failed**: a wrong gradient, an error of smoothcam, or a layer that could not be found in PyTorch.",
        "- **not exported**: PyTorch cannot build or export the network, so there is nothing to compare.", "",
        "How it works, and how to run it: [tools/parity.py](../tools/parity.py).", "",
        "| networks | exporter | tried | ok | rounding | failed | not exported |", "|---|---|---|---|---|---|---|",
    ]
    for (source, exporter), reports in sources.items():
        o = [outcome(r) for r in reports]
        lines.append(f"| {titles[source]} | {exporter} | {len(o)} | {o.count('ok')} | {o.count('rounding')} "
                     f"| {o.count('failed')} | {o.count('not exported')} |")
    lines.append("")
    tried = {(r["source"], r["model"]) for r in results.values()}
    giants = sorted(g for g in GIANTS if ("torchvision", g) not in tried)
    if giants:
        lines += [f"Not tried, for their size: {', '.join(giants)} (torchvision).", ""]
    bad = [r for r in results.values() if outcome(r) in ("failed", "not exported")]
    if bad:
        lines += ["## What does not work", "",
                  "efficientvit_m0: central differences in float64 agree with smoothcam, not with the gradient that this "
                  "script takes from PyTorch; the other gradients that are wrong by 1 or more are not settled yet.", "", "| network | exporter | outcome | why |", "|---|---|---|---|"]
        lines += [f"| {r['source']} {r['model']} | {r['exporter']} | {outcome(r)} | {cell(why(r), 400)} |" for r in bad]
        lines.append("")
    for (source, exporter), reports in sources.items():
        lines += [f"## {titles[source]}, {exporter} exporter", "",
                  "Errors are those at the default, the early and the middle layer; the time is that of "
                  "`explain` at the early layer.", "",
                  "| network | input | default layer | grid | maps | errors | time | outcome |",
                  "|---|---|---|---|---|---|---|---|"]
        for r in sorted(reports, key=lambda r: r["model"].lower()):
            ls = r["layers"]
            main = ls[0] if ls else None
            errors = ", ".join(f"{l['error']:.0e}" if "error" in l else "–" for l in ls)
            seconds = next((l.get("seconds") for l in ls if l["role"] == "early"), None) or (main or {}).get("seconds")
            state = outcome(r)
            if state == "rounding":
                state += ": " + cell(why(r), 300)
            grid = f"{main['grid'][0]}x{main['grid'][1]}, {axes_name(main['axes'])}" if main else ""
            lines.append(f"| {r['model']} | {r.get('size', '')} | {cell(main.get('module') or main['layer']) if main else ''} "
                         f"| {grid} | {main['maps'] if main else ''} | {errors} "
                         f"| {f'{seconds:.1f} s' if seconds else ''} | {state} |")
        lines.append("")
    path.write_text("\n".join(lines).rstrip() + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", choices=["torchvision", "timm", "keras", "report"])
    parser.add_argument("--smoothcam", default=str(ROOT / "target/release/smoothcam"), help="the binary")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these networks, also if they have results")
    parser.add_argument("--redo", action="store_true", help="networks that have results, too")
    parser.add_argument("--failed", action="store_true", help="networks whose outcome is not ok, too")
    parser.add_argument("--giants", action="store_true", help="the largest networks, too")
    parser.add_argument("--exporter", choices=["torchscript", "dynamo"], default="torchscript")
    parser.add_argument("--size", type=int, default=160, help="of the input, where the network lets one choose")
    parser.add_argument("--plain", action="store_true", help="the default layer without noise, too")
    parser.add_argument("--picture", default=str(ROOT / "examples/cat.png"))
    parser.add_argument("--jobs", type=int, default=2, help="networks at a time")
    parser.add_argument("--threads", type=int, default=1, help="PyTorch's threads")
    parser.add_argument("--limit", type=float, default=300, help="seconds a network may take")
    parser.add_argument("--jitters", type=int, default=3, help="disturbed float32 runs of PyTorch")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "tools/parity.jsonl")
    parser.add_argument("--report", type=pathlib.Path, default=ROOT / "docs/coverage.md")
    options = parser.parse_args()
    options.smoothcam = os.path.abspath(options.smoothcam)
    results = read_results(options.results)
    if options.source != "report":
        os.environ.setdefault("RTEN_NUM_THREADS", str(options.threads))
        if options.source == "torchvision":
            import torchvision

            names = torchvision.models.list_models(module=torchvision.models)
        elif options.source == "timm":
            import timm  # noqa: F401  (before the fork: its import is slow)

            names = TIMM
        else:
            names = KERAS
        names = options.only or [n for n in names if options.giants or n not in GIANTS]

        def pending(name):
            old = results.get((options.source, name, options.exporter))
            return options.only or options.redo or not old or options.failed and outcome(old) != "ok"

        def done(report):
            results[report["source"], report["model"], report["exporter"]] = report
            order = sorted(results.values(), key=lambda r: (r["source"], r["exporter"], r["model"].lower()))
            temporary = options.results.with_suffix(".jsonl.tmp")
            temporary.write_text("".join(json.dumps(r) + "\n" for r in order))
            temporary.replace(options.results)
            errors = " ".join(f"{l['error']:.1e}" if "error" in l else "-" for l in report["layers"])
            state = outcome(report)
            grid = report["layers"][0]["grid"] if report["layers"] else ""
            print(f"{report['model']:36s} {state:12s} {grid!s:9s} {errors:26s} {report.get('seconds', 0):6.1f} s"
                  f"  {cell(why(report), 700) if state != 'ok' else ''}", flush=True)

        work(options, [(options.source, n, options.exporter) for n in names if pending(n)], done)
        results = read_results(options.results)
    if results:
        write_report(results, options.report)


if __name__ == "__main__":
    sys.exit(main())
