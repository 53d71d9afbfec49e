"""One training step of VGG13 in PyTorch: loss, logits, statistics and gradients of all weights.

Weights and inputs are a formula, so that nothing large needs to be stored; of each gradient its
norm and some of its entries are. Writes `training.safetensors` beside this file. Needs torch, numpy
and safetensors:

    python training_fixtures.py
"""

import math
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from torch.nn import functional

WIDTHS = (64, 128, 256, 512, 512)
LABELS = 41
EPS = 1e-3
SHAPE = (3, 40, 36)
ENTRIES = 24


def formula(count, phase, scale):
    """Numbers that look random enough and are the same everywhere: sin(0.7 i^1.1 + phase)."""
    i = torch.arange(count, dtype=torch.float64)
    return scale * torch.sin(0.7 * i.pow(1.1) + phase)


def parameters():
    result, inputs, phase = [], 1, 0.0
    for block, width in enumerate(WIDTHS):
        for half in (1, 2):
            scale = math.sqrt(4.0 / (9 * inputs))
            conv, norm = f"blocks.{block}.conv{half}", f"blocks.{block}.bn{half}"
            weight = formula(width * inputs * 9, phase, scale).reshape(width, inputs, 3, 3)
            result.append((f"{conv}.weight", weight))
            result.append((f"{conv}.bias", formula(width, phase + 1, 0.1)))
            result.append((f"{norm}.weight", 1 + formula(width, phase + 2, 0.3)))
            result.append((f"{norm}.bias", formula(width, phase + 3, 0.2)))
            inputs, phase = width, phase + 0.37
    result.append(("fc.weight", formula(LABELS * inputs, phase, 0.06).reshape(LABELS, inputs)))
    result.append(("fc.bias", formula(LABELS, phase + 1, 0.1)))
    return result


def main():
    named = [(name, value.requires_grad_(True)) for name, value in parameters()]
    values = [value for _, value in named]
    x = formula(math.prod(SHAPE), 0.5, 1.5).reshape(SHAPE[0], 1, SHAPE[1], SHAPE[2])
    targets = functional.softmax(formula(SHAPE[0] * LABELS, 0.9, 3.0).reshape(SHAPE[0], LABELS), 1)
    out = {}
    for layer in range(2 * len(WIDTHS)):
        weight, bias, scale, shift = values[4 * layer : 4 * layer + 4]
        x = functional.relu(functional.conv2d(x, weight, bias, padding=1))
        out[f"mean.{layer}"] = x.mean((0, 2, 3)).detach()
        out[f"variance.{layer}"] = x.var((0, 2, 3), unbiased=False).detach()
        x = functional.batch_norm(x, None, None, scale, shift, training=True, eps=EPS)
        if layer % 2 == 1:
            x = functional.max_pool2d(x, 2)
    logits = functional.linear(x.flatten(2).mean(2), values[-2], values[-1])
    loss = functional.cross_entropy(logits, targets)
    loss.backward()
    out["logits"], out["loss"] = logits.detach(), loss.detach().reshape(1)
    for name, value in named:
        gradient = value.grad.flatten()
        step = max(1, len(gradient) // ENTRIES)
        out[f"norm.{name}"] = gradient.norm().reshape(1)
        out[f"entries.{name}"] = gradient[::step][:ENTRIES]
    arrays = {name: np.ascontiguousarray(value.numpy()) for name, value in out.items()}
    save_file(arrays, pathlib.Path(__file__).with_name("training.safetensors"))


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
