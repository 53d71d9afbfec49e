"""Numbers by formula, the same here and in the Rust tests, so that nothing large must be stored.

Tensors of a network in the order of their sorted names get the phases 0, 0.37, 0.74...
"""

import math

import torch


# What goes into a network, by its number of bands: log-mels in dB, or waveforms at full scale.
SPREADS = {
    "mean": {64: (-50, 5), 1: (0.01, 0.005)},
    "std": {64: (18, 4), 1: (0.15, 0.05)},
    "bn0.running_mean": {64: (-50, 5), 1: (0.01, 0.005)},
    "bn0.running_var": {64: (320, 80), 1: (0.03, 0.01)},
}

# Averaged over several heads, probabilities would be nearly equal; filters by formula hear little.
GAINS = {"heads.weight": 10, "filters.weight": 40}


def formula(shape, phase, scale):
    """Numbers that look random enough and are the same everywhere: sin(0.7 i^1.1 + phase)."""
    i = torch.arange(math.prod(shape), dtype=torch.float64)
    return (scale * torch.sin(0.7 * i.pow(1.1) + phase)).reshape(shape)


def tensors(shapes):
    """Weights of such shapes, by name, that keep the scale of what goes through them."""
    return {name: tensor(name, shapes[name], 0.37 * i) for i, name in enumerate(sorted(shapes))}


def tensor(name, shape, phase):
    if name in SPREADS and shape[0] in SPREADS[name]:
        centre, spread = SPREADS[name][shape[0]]
        return centre + formula(shape, phase, spread)
    if name.endswith("running_mean"):
        return 0.3 + formula(shape, phase, 0.2)
    if name.endswith("running_var"):
        return 0.7 + formula(shape, phase, 0.2)
    if name.split(".")[-2].startswith("bn") and name.endswith(".weight"):
        return 1 + formula(shape, phase, 0.3)
    if len(shape) == 1:
        return formula(shape, phase, 0.1)
    gain = GAINS.get(name, 2)
    return formula(shape, phase, gain / math.sqrt(math.prod(shape[1:])))
