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

# Of the chunks' networks three steps of the recurrent layer and two pixels of frequency; of the dense
# ones three pixels behind the last pool.
CHUNKS = (3, 104, 68)
SHAPES = {"dense-mel": (3, 300, 64), "dense-wav": (3, 40_000)}
ENTRIES = 24


def add(out, prefix, model):
    model.load_state_dict(tensors({name: tuple(p.shape) for name, p in model.named_parameters()}), strict=False)

    def see(name):
        def hook(_, inputs):
            out[f"{prefix}.mean.{name}"] = inputs[0].transpose(0, 1).flatten(1).mean(1).detach()
            out[f"{prefix}.variance.{name}"] = inputs[0].transpose(0, 1).flatten(1).var(1, unbiased=False).detach()

        return hook

    for name, module in model.named_modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.register_forward_pre_hook(see(name))
    shape = SHAPES.get(prefix, CHUNKS)
    logits = model.logits(formula(shape, 0.5, 1.5))
    targets = functional.softmax(formula((shape[0], LABEL_COUNT), 0.9, 3.0), 1)
    heads = logits if logits.ndim == 3 else logits[:, None]
    loss = -(targets * heads.softmax(2).mean(1).log()).sum(1).mean()
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
