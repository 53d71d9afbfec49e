"""Reference CRNN in PyTorch: VGG13's convolutions, then a bidirectional GRU as Keras 2.2.4 has it."""

import torch
from torch import nn
from torch.nn import functional

from vgg13 import LABEL_COUNT, WIDTHS, Vgg13

STATES = 512


class Gru(nn.Module):
    """`Bidirectional(GRU(H, activation="relu", return_sequences=True))`, [B, T, F] to [B, T, 2H].

    PyTorch's GRU can't do it: there the reset gate comes after the product, and the activations are
    fixed. The gates lie one below the other in PyTorch's order r, z, n.
    """

    def __init__(self, features, hidden):
        super().__init__()
        for direction in ("", "_reverse"):
            shapes = {"weight_ih": (3 * hidden, features), "weight_hh": (3 * hidden, hidden), "bias": (3 * hidden,)}
            for name, shape in shapes.items():
                self.register_parameter(name + direction, nn.Parameter(torch.zeros(shape)))

    def forward(self, x):
        return keras_gru(x, **dict(self.named_parameters()))


def keras_gru(x, **weights):
    """The same from weights by name."""
    forwards = gru_direction(x, weights["weight_ih"], weights["weight_hh"], weights["bias"])
    backwards = gru_direction(
        x.flip(1), weights["weight_ih_reverse"], weights["weight_hh_reverse"], weights["bias_reverse"]
    )
    return torch.cat([forwards, backwards.flip(1)], 2)


def gru_direction(x, weight_ih, weight_hh, bias):
    (w_r, w_z, w_n), (u_r, u_z, u_n), (b_r, b_z, b_n) = (part.chunk(3) for part in (weight_ih, weight_hh, bias))
    state = x.new_zeros(len(x), len(u_r))
    states = []
    for step in x.unbind(1):
        reset = (0.2 * (step @ w_r.T + state @ u_r.T + b_r) + 0.5).clamp(0, 1)
        update = (0.2 * (step @ w_z.T + state @ u_z.T + b_z) + 0.5).clamp(0, 1)
        candidate = functional.relu(step @ w_n.T + (reset * state) @ u_n.T + b_n)
        state = update * state + (1 - update) * candidate
        states.append(state)
    return torch.stack(states, 1)


class Crnn(Vgg13):
    def __init__(self, labels, pad_mode="zero"):
        super().__init__(labels, pad_mode)
        self.gru = Gru(WIDTHS[-1], STATES)
        self.fc = nn.Linear(2 * STATES, LABEL_COUNT)

    def logits(self, pieces):
        """Standardised chunks [chunks, 128, 64] to logits [chunks, 41]."""
        x = pieces[:, None]
        for block in self.blocks:
            x = block(x)
        # [chunks, channels, time, frequency] to [chunks, time, channels].
        return self.fc(self.gru(x.mean(dim=3).transpose(1, 2)).mean(dim=1))
