"""One training step of each model in PyTorch: loss, logits, statistics, gradients of all weights.

Weights and inputs are by formula (`formula.py`); of each gradient its norm and some of its entries
are stored, of a batch norm's statistics (`MODEL.mean.BN`, `MODEL.variance.BN`) all. Writes
`training.safetensors` beside this file. Needs torch, numpy and safetensors:

    python training_fixtures.py
"""

import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional

from formula import formula, tensors
from models import MODELS
from vgg13 import LABEL_COUNT

# Three steps of the recurrent layer, two pixels of frequency.
SHAPE = (3, 104, 68)
ENTRIES = 24


def add(out, prefix, model):
    model.load_state_dict(tensors({name: tuple(p.shape) for name, p in model.named_parameters()}), strict=False)

    def see(name):
        def hook(_, inputs):
            out[f"{prefix}.mean.{name}"] = inputs[0].mean((0, 2, 3)).detach()
            out[f"{prefix}.variance.{name}"] = inputs[0].var((0, 2, 3), unbiased=False).detach()

        return hook

    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(see(name))
    logits = model.logits(formula(SHAPE, 0.5, 1.5))
    targets = functional.softmax(formula((SHAPE[0], LABEL_COUNT), 0.9, 3.0), 1)
    loss = functional.cross_entropy(logits, targets)
    loss.backward()
    out[f"{prefix}.logits"], out[f"{prefix}.loss"] = logits.detach(), loss.detach().reshape(1)
    print(f"{prefix}: loss {loss.item():.3f}, logits within {float(logits.detach().abs().max()):.2f}")
    for name, value in model.named_parameters():
        gradient = value.grad.flatten()
        step = max(1, len(gradient) // ENTRIES)
        out[f"{prefix}.norm.{name}"] = gradient.norm().reshape(1)
        out[f"{prefix}.entries.{name}"] = gradient[::step][:ENTRIES]


def main():
    out = {}
    for name, model in MODELS.items():
        add(out, name, model([""] * LABEL_COUNT).double().train())
    arrays = {name: np.ascontiguousarray(value.numpy()) for name, value in out.items()}
    path = pathlib.Path(__file__).with_name("training.safetensors")
    save_file(arrays, path)
    print(f"{path.name}: {len(arrays)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
