"""Builds small networks of what no network of timm, torchvision or Keras is made of.

Deformation: spatial transformers, deformable convolution and InternImage's (DCNv3). Sequences: text recognisers whose
LSTM, GRU or RNN reads a picture's columns, networks that read its rows, a ConvLSTM of a fixed number of steps. Windows:
`unfold` and `fold`. Attention: a `TransformerEncoder` on the features of convolutions, a decoder that reads them.
"""

import functools
import itertools

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import DeformConv2d

CLASSES = 10
FEATURES = 24


def stage(before, after, stride=2):
    """Returns a convolution and what usually follows it."""
    return nn.Sequential(nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after), nn.SiLU())


class Classifier(nn.Module):
    """Stages, with a module in the middle, the mean over places, and a linear layer."""

    def __init__(self, middle, stages=2):
        super().__init__()
        widths = [3, 12, FEATURES, FEATURES][: stages + 1]
        self.stem = nn.Sequential(*(stage(*pair) for pair in itertools.pairwise(widths)))
        self.middle = middle
        self.last = stage(FEATURES, 32)
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x):
        return self.head(self.last(self.middle(self.stem(x))).mean((2, 3)))


class SpatialTransformer(nn.Module):
    """Samples the features at the grid of an affine map that is computed from them (Jaderberg et al. 2015)."""

    def __init__(self, mode, padding, align_corners):
        super().__init__()
        self.localisation = nn.Sequential(stage(FEATURES, 8), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 6))
        self.sampling = {"mode": mode, "padding_mode": padding, "align_corners": align_corners}

    def forward(self, x):
        identity = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype=x.dtype)
        theta = identity + 0.4 * torch.tanh(self.localisation(x)).view(-1, 2, 3)
        grid = F.affine_grid(theta, list(x.shape), align_corners=self.sampling["align_corners"])
        return F.grid_sample(x, grid, **self.sampling)


class ThinPlateSpline(nn.Module):
    """Samples the features at the grid of a thin plate spline, computed from them (Shi et al. 2016, as ASTER)."""

    def __init__(self):
        super().__init__()
        self.localisation = nn.Sequential(stage(FEATURES, 8), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 20))
        edge = torch.linspace(-1, 1, 5)
        points = torch.cat([torch.stack([edge, torch.full((5,), y)], 1) for y in (-1.0, 1.0)])
        system = torch.cat([self.basis(points, points), torch.zeros(3, 13)])
        system[10:, :10] = system[:10, 10:].T
        self.register_buffer("points", points)
        self.register_buffer("inverse", torch.linalg.inv(system)[:, :10])

    def basis(self, places, points):
        """Returns the radial basis functions at places, (places, points), followed by 1 and the coordinates."""
        squares = (places[:, None] - points).square().sum(-1)
        return torch.cat([squares * torch.log(squares + 1e-6), torch.ones_like(places[:, :1]), places], 1)

    def forward(self, x):
        n, _, h, w = x.shape
        moved = self.points + 0.3 * torch.tanh(self.localisation(x)).view(n, 10, 2)
        axes = torch.linspace(-1, 1, h, dtype=x.dtype), torch.linspace(-1, 1, w, dtype=x.dtype)
        rows, columns = torch.meshgrid(*axes, indexing="ij")
        places = torch.stack([columns, rows], -1).view(h * w, 2)
        grid = self.basis(places, self.points) @ (self.inverse @ moved)
        return F.grid_sample(x, grid.view(n, h, w, 2), padding_mode="border", align_corners=True)


class Deformable(nn.Module):
    """A deformable convolution (Dai et al. 2017), modulated or not (Zhu et al. 2019)."""

    def __init__(self, modulated, groups, offset_groups, dilation=1):
        super().__init__()
        taps = 9 * offset_groups
        self.offset = nn.Conv2d(FEATURES, 2 * taps, 3, 1, 1)
        self.mask = nn.Conv2d(FEATURES, taps, 3, 1, 1) if modulated else None
        self.convolution = DeformConv2d(FEATURES, FEATURES, 3, 1, dilation, dilation, groups)

    def forward(self, x):
        mask = None if self.mask is None else torch.sigmoid(self.mask(x))
        return F.silu(self.convolution(x, 2 * self.offset(x), mask))


class DeformableV3(nn.Module):
    """A block of InternImage (Wang et al. 2023): DCNv3 in groups, layer scale, and a feed-forward part.

    Each group samples its channels at nine places, which are moved by offsets, and weights them by a softmax.
    """

    def __init__(self, groups=3):
        super().__init__()
        self.groups = groups
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(FEATURES) for _ in range(3))
        self.depthwise = nn.Conv2d(FEATURES, FEATURES, 3, 1, 1, groups=FEATURES)
        self.offset, self.mask = nn.Linear(FEATURES, groups * 18), nn.Linear(FEATURES, groups * 9)
        self.before, self.after = nn.Linear(FEATURES, FEATURES), nn.Linear(FEATURES, FEATURES)
        self.feed = nn.Sequential(nn.Linear(FEATURES, 48), nn.GELU(), nn.Linear(48, FEATURES))
        self.scale1, self.scale2 = (nn.Parameter(torch.full((FEATURES,), 0.5)) for _ in range(2))

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        x = x + self.scale1 * self.sample(self.norm1(x))
        x = x + self.scale2 * self.feed(self.norm2(x))
        return x.permute(0, 3, 1, 2)

    def sample(self, x):
        n, h, w, c = x.shape
        local = self.depthwise(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        local = F.gelu(self.norm3(local))
        offset = self.offset(local).view(n, h, w, self.groups, 9, 2)
        mask = self.mask(local).view(n, h, w, self.groups, 9).softmax(-1)
        at, tap = torch.arange(h, dtype=x.dtype), torch.arange(-1, 2, dtype=x.dtype)
        rows = at.view(1, h, 1, 1, 1) + tap.repeat_interleave(3) + offset[..., 1]
        columns = torch.arange(w, dtype=x.dtype).view(1, 1, w, 1, 1) + tap.repeat(3) + offset[..., 0]
        grid = torch.stack([(2 * columns + 1) / w - 1, (2 * rows + 1) / h - 1], -1)
        grid = grid.permute(0, 3, 1, 2, 4, 5).reshape(n * self.groups, h * w, 9, 2)
        values = self.before(x).permute(0, 3, 1, 2).reshape(n * self.groups, c // self.groups, h, w)
        sampled = F.grid_sample(values, grid, align_corners=False)
        mask = mask.permute(0, 3, 1, 2, 4).reshape(n * self.groups, 1, h * w, 9)
        return self.after((sampled * mask).sum(-1).view(n, c, h, w).permute(0, 2, 3, 1))


class Recogniser(nn.Module):
    """A text recogniser (CRNN, Shi et al. 2015): convolutions, two bidirectional layers along the columns, and scores.

    The score of a class is its mean over time, of the logits or of their log-softmax, as CTC takes them.
    """

    def __init__(self, kind, ctc=False, **more):
        super().__init__()
        self.stem = nn.Sequential(stage(3, 12), stage(12, FEATURES), stage(FEATURES, FEATURES, (2, 1)))
        self.recurrent = getattr(nn, kind)(FEATURES, 20, num_layers=2, bidirectional=True, **more)
        self.head = nn.Linear(40, CLASSES)
        self.ctc = ctc

    def forward(self, x):
        columns = self.stem(x).mean(2).transpose(1, 2)
        time = 1 if self.recurrent.batch_first else 0
        scores = self.head(self.recurrent(columns if time else columns.transpose(0, 1))[0])
        return (scores.log_softmax(2) if self.ctc else scores).mean(time)


class Rows(nn.Module):
    """Reads the rows of the features, then takes the last state of each layer and direction."""

    def __init__(self, kind):
        super().__init__()
        self.stem = nn.Sequential(stage(3, 12), stage(12, FEATURES), stage(FEATURES, 8))
        self.recurrent = getattr(nn, kind)(8 * 16, 20, batch_first=True, bidirectional=True)
        self.head = nn.Linear(40, CLASSES)

    def forward(self, x):
        rows = F.adaptive_avg_pool2d(self.stem(x), 16).permute(0, 2, 1, 3).flatten(2)
        states = self.recurrent(rows)[1]
        states = states[0] if isinstance(states, tuple) else states
        return self.head(states.transpose(0, 1).flatten(1))


class ConvLSTM(nn.Module):
    """Looks at the same features several times, with a state of maps (Shi et al. 2015)."""

    def __init__(self, steps=4):
        super().__init__()
        self.steps = steps
        self.gates = nn.Conv2d(2 * FEATURES, 4 * FEATURES, 3, 1, 1)

    def forward(self, x):
        h = c = torch.zeros_like(x)
        for _ in range(self.steps):
            i, f, o, g = self.gates(torch.cat([x, h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h


class Involution(nn.Module):
    """Kernels of each place, shared by the channels of a group (Li et al. 2021): `unfold`."""

    def __init__(self, groups=4):
        super().__init__()
        self.groups = groups
        self.kernel = nn.Sequential(stage(FEATURES, 8, 1), nn.Conv2d(8, 9 * groups, 1))

    def forward(self, x):
        n, c, h, w = x.shape
        blocks = F.unfold(x, 3, padding=1).view(n, self.groups, c // self.groups, 9, h, w)
        return (blocks * self.kernel(x).view(n, self.groups, 1, 9, h, w)).sum(3).view(n, c, h, w)


class Folded(nn.Module):
    """Blocks that overlap are changed one by one and added up again: `unfold` and `fold`, dilated and padded."""

    def __init__(self, **window):
        super().__init__()
        self.window = window
        self.change = nn.Sequential(nn.Linear(FEATURES * 9, 32), nn.GELU(), nn.Linear(32, FEATURES * 9))

    def forward(self, x):
        blocks = F.unfold(x, 3, **self.window).transpose(1, 2)
        h, w = map(int, x.shape[2:])  # the TorchScript exporter wants numbers
        return F.fold(self.change(blocks).transpose(1, 2), [h, w], 3, **self.window)


class Encoder(nn.Module):
    """A `TransformerEncoder` on the places of the features."""

    def __init__(self, norm_first, activation):
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            FEATURES, 4, 48, batch_first=True, norm_first=norm_first, activation=activation
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x):
        tokens = self.encoder(x.flatten(2).transpose(1, 2))
        return tokens.transpose(1, 2).view(x.shape)


class Decoder(nn.Module):
    """A `Transformer` whose decoder reads the features by one learned query (as Carion et al. 2020 do by many)."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(stage(3, 12), stage(12, FEATURES), stage(FEATURES, FEATURES))
        self.transformer = nn.Transformer(FEATURES, 4, 2, 2, 48, batch_first=True)
        self.query = nn.Parameter(torch.randn(1, 1, FEATURES))
        self.head = nn.Linear(FEATURES, CLASSES)

    def forward(self, x):
        tokens = self.stem(x).flatten(2).transpose(1, 2)
        return self.head(self.transformer(tokens, self.query.expand(len(x), 1, FEATURES))[:, 0])


def classifier(middle, *args, stages=2, **named):
    """Returns a function that builds a classifier with this module in the middle."""
    return lambda: Classifier(middle(*args, **named), stages)


NETWORKS = {
    **{
        f"spatial_transformer_{mode}_{padding}": classifier(SpatialTransformer, mode, padding, align_corners=corners)
        for mode in ("bilinear", "bicubic")
        for padding, corners in (("zeros", False), ("border", True), ("reflection", False))
    },
    "thin_plate_spline": classifier(ThinPlateSpline),
    "deformable": classifier(Deformable, modulated=False, groups=1, offset_groups=1),
    "deformable_modulated": classifier(Deformable, modulated=True, groups=2, offset_groups=2),
    "deformable_dilated": classifier(Deformable, modulated=True, groups=1, offset_groups=3, dilation=2),
    "internimage_block": classifier(DeformableV3, stages=3),
    "crnn_lstm": functools.partial(Recogniser, "LSTM"),
    "crnn_lstm_ctc": functools.partial(Recogniser, "LSTM", ctc=True),
    "crnn_lstm_batch_first": functools.partial(Recogniser, "LSTM", batch_first=True),
    "crnn_gru": functools.partial(Recogniser, "GRU"),
    "crnn_rnn_tanh": functools.partial(Recogniser, "RNN"),
    "crnn_rnn_relu": functools.partial(Recogniser, "RNN", nonlinearity="relu"),
    "rows_lstm": functools.partial(Rows, "LSTM"),
    "rows_gru": functools.partial(Rows, "GRU"),
    "conv_lstm": classifier(ConvLSTM, stages=3),
    "involution": classifier(Involution),
    "folded": classifier(Folded, padding=1, stride=2, stages=3),
    "folded_dilated": classifier(Folded, padding=2, dilation=2, stages=3),
    "encoder": classifier(Encoder, norm_first=False, activation="relu", stages=3),
    "encoder_norm_first": classifier(Encoder, norm_first=True, activation="gelu", stages=3),
    "decoder": Decoder,
}
# What the TorchScript exporter knows no operator for.
NOT_EXPORTED = [(name, "torchscript") for name in ("deformable", "deformable_modulated", "deformable_dilated")]


def network(name, size):
    """Returns a network, the side of its input, and no note."""
    return NETWORKS[name](), size, None
