"""Numbers by formula, the same here and in the Rust tests, so that nothing large must be stored.

Tensors of a network in the order of their sorted names get the phases 0, 0.37, 0.74...
"""

import math

import torch


def formula(shape, phase, scale):
    """Numbers that look random enough and are the same everywhere: sin(0.7 i^1.1 + phase)."""
    i = torch.arange(math.prod(shape), dtype=torch.float64)
    return (scale * torch.sin(0.7 * i.pow(1.1) + phase)).reshape(shape)


def tensors(shapes):
    """Weights of such shapes, by name, that keep the scale of what goes through them."""
    return {name: tensor(name, shapes[name], 0.37 * i) for i, name in enumerate(sorted(shapes))}


def tensor(name, shape, phase):
    if name == "mean":
        return -50 + formula(shape, phase, 5)
    if name == "std":
        return 18 + formula(shape, phase, 4)
    if name.endswith("running_mean"):
        return 0.3 + formula(shape, phase, 0.2)
    if name.endswith("running_var"):
        return 0.7 + formula(shape, phase, 0.2)
    if ".bn" in name and name.endswith(".weight"):
        return 1 + formula(shape, phase, 0.3)
    if len(shape) == 1:
        return formula(shape, phase, 0.1)
    return formula(shape, phase, math.sqrt(4 / math.prod(shape[1:])))
