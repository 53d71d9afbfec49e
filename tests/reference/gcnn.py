"""Reference GCNN in PyTorch: VGG13 with gated convolutions."""

import torch
from torch import nn
from torch.nn import functional

from vgg13 import BN_EPS, WIDTHS, Vgg13


class GatedBlock(nn.Module):
    """Twice [3x3 convolution to 2n channels, first half x sigmoid of the second, batch norm], pool."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, 2 * outputs, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(outputs, eps=BN_EPS)
        self.conv2 = nn.Conv2d(outputs, 2 * outputs, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(outputs, eps=BN_EPS)

    def forward(self, x):
        for conv, norm in ((self.conv1, self.bn1), (self.conv2, self.bn2)):
            linear, gate = conv(x).chunk(2, dim=1)
            x = norm(linear * torch.sigmoid(gate))
        return functional.max_pool2d(x, 2)


class Gcnn(Vgg13):
    def __init__(self, labels, pad_mode="zero"):
        super().__init__(labels, pad_mode)
        self.blocks = nn.ModuleList(GatedBlock(i, o) for i, o in zip((1, *WIDTHS), WIDTHS))
