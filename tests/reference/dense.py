"""Reference dense-mel and dense-wav in PyTorch: the densely connected networks of Jeong and Lim.

Waveform in, probabilities out. What is not the authors' is described in `src/models/dense_wav`.
"""

import torch
from torch import nn
from torch.nn import functional

from vgg13 import BANDS, BN_EPS, LABEL_COUNT, LogMel

LEAST_SAMPLES = 64_000
HOP = 128
HEADS = 8
MEL_WIDTHS = (16, 32, 64, 128, 256, 512, 512, 512)
FILTERS = 64
FILTER_LENGTH = 400
STRIDE = 16
WAV_WIDTHS = (64, 64, 128, 128, 256, 256, 512, 512)

CONV = {1: nn.Conv1d, 2: nn.Conv2d}
NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
POOL = {1: functional.max_pool1d, 2: functional.max_pool2d}


class SqueezeExcite(nn.Module):
    """Each channel times what two dense layers say of all channels' means."""

    def __init__(self, channels):
        super().__init__()
        self.fc1 = nn.Linear(channels, channels // 2)
        self.fc2 = nn.Linear(channels // 2, channels)

    def forward(self, x):
        means = x.flatten(2).mean(2)
        weights = torch.sigmoid(self.fc2(functional.relu(self.fc1(means))))
        return x * weights.reshape(*weights.shape, *[1] * (x.ndim - 2))


class Block(nn.Module):
    """[BN, ReLU, 1x1], [BN, ReLU, 3x3], squeeze-excite, joined with the input, max pool (ceil)."""

    def __init__(self, axes, inputs, width):
        super().__init__()
        self.axes = axes
        self.bn1 = NORM[axes](inputs, eps=BN_EPS)
        self.conv1 = CONV[axes](inputs, width, 1, bias=False)
        self.bn2 = NORM[axes](width, eps=BN_EPS)
        self.conv2 = CONV[axes](width, width, 3, padding=1)
        self.se = SqueezeExcite(width)

    def forward(self, x):
        y = self.conv1(functional.relu(self.bn1(x)))
        y = self.conv2(functional.relu(self.bn2(y)))
        return POOL[self.axes](torch.cat([self.se(y), x], 1), 2, ceil_mode=True)


class Dense(nn.Module):
    """Blocks and heads; a subclass says what is before them."""

    def __init__(self, labels, axes, inputs, widths):
        super().__init__()
        self.labels = labels
        blocks = []
        for width in widths:
            blocks.append(Block(axes, inputs, width))
            inputs += width
        self.blocks = nn.ModuleList(blocks)
        self.bn_out = NORM[axes](inputs, eps=BN_EPS)
        self.heads = nn.Linear(inputs, HEADS * LABEL_COUNT)

    def heads_of(self, x):
        """[B, channels, pixels...] to logits [B, heads, 41]."""
        for block in self.blocks:
            x = block(x)
        x = functional.relu(self.bn_out(x)).flatten(2)
        # Each head is dense a pixel, then averaged.
        return self.heads(x.transpose(1, 2)).mean(1).unflatten(1, (HEADS, LABEL_COUNT))

    def probabilities(self, waveform):
        """Waveform [N] to [41]: the mean of the heads' probabilities. Attacks differentiate it."""
        return self.logits(self.prepared(waveform)[None])[0].softmax(-1).mean(0)

    scores = probabilities

    def top(self, waveform, count=3):
        """The most probable labels, [(label, probability)], without gradient."""
        with torch.no_grad():
            best = self.probabilities(waveform).topk(count)
        return [(self.labels[i], float(p)) for p, i in zip(best.values, best.indices)]


def full_scale(waveform, multiple=1):
    """Divided by the peak, in the middle of at least two seconds and a whole multiple."""
    waveform = waveform / waveform.abs().max()
    length = -(-max(len(waveform), LEAST_SAMPLES) // multiple) * multiple
    missing = length - len(waveform)
    return functional.pad(waveform, (missing // 2, missing - missing // 2))


class DenseMel(Dense):
    def __init__(self, labels, pad_mode="zero"):
        super().__init__(labels, 2, 16, MEL_WIDTHS)
        self.log_mel = LogMel(pad_mode, HOP)
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("std", torch.ones(1))
        self.bn0 = nn.BatchNorm1d(BANDS, eps=BN_EPS)
        self.conv0 = nn.Conv2d(1, 15, 3, padding=1, bias=False)

    def prepared(self, waveform):
        """Waveform [N] to log-mel [frames, bands]."""
        return self.log_mel((full_scale(waveform) - self.mean) / self.std)

    def logits(self, log_mels):
        """Log-mels [B, frames, bands] to [B, heads, 41]."""
        x = self.bn0(log_mels.transpose(1, 2)).transpose(1, 2)[:, None]
        return self.heads_of(torch.cat([x, self.conv0(x)], 1))


class DenseWav(Dense):
    def __init__(self, labels, pad_mode="zero"):
        super().__init__(labels, 1, FILTERS, WAV_WIDTHS)
        self.bn0 = nn.BatchNorm1d(1, eps=BN_EPS)
        padding = (FILTER_LENGTH - STRIDE) // 2
        self.filters = nn.Conv1d(1, FILTERS, FILTER_LENGTH, STRIDE, padding=padding, bias=False)
        self.bn_filters = nn.BatchNorm1d(FILTERS, eps=BN_EPS)

    def prepared(self, waveform):
        """Waveform [N] at full scale."""
        return full_scale(waveform, STRIDE)

    def logits(self, waveforms):
        """Waveforms [B, N] to [B, heads, 41]."""
        x = self.bn_filters(self.filters(self.bn0(waveforms[:, None])))
        return self.heads_of(torch.log1p(functional.max_pool1d(functional.relu(x), 4, ceil_mode=True)))
