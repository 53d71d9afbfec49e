"""Writes `layers.safetensors`: single layers and the log-mel front end, forward and backward.

    python layer_fixtures.py

For every case PyTorch computes the output and the gradient with respect to the input, given a
random upstream gradient, once in f64 (`output`, `gradient`) and, of the single layers, once in f32
(`output_f32`, `gradient_f32`). What goes in is f32, so that both start from the same numbers. The
random numbers are NumPy's PCG64 with a fixed seed.
"""

import pathlib

import librosa
import numpy as np
import torch
from safetensors.numpy import save_file
from torch.nn import functional

from crnn import keras_gru

HERE = pathlib.Path(__file__).parent
SEED = 20180731

# [batch, channels in, frames, bands], channels out: odd sizes, single pixels, more than one clip.
CONVOLUTIONS = [
    ((2, 3, 7, 5), 4),
    ((1, 1, 1, 1), 1),
    ((1, 4, 8, 6), 3),
    ((3, 2, 5, 1), 2),
    ((1, 5, 1, 9), 7),
    ((2, 8, 9, 11), 10),
]
POOLS = [(1, 4, 8, 6), (2, 3, 7, 5), (3, 2, 5, 2), (1, 1, 3, 3), (1, 2, 2, 9)]
# Ceil mode alone gives an answer where a side is a single pixel.
CEIL_POOLS = [*POOLS, (1, 1, 1, 1), (3, 2, 5, 1)]
DENSE = [(1, 1, 1), (3, 7, 5), (2, 512, 41)]
# [batch, channels, ...]: images and signals.
NORMS = [(2, 5, 3, 4), (1, 3, 1, 1), (3, 17, 5), (1, 1, 31)]
# [batch, 2 * channels, ...].
GATES = [(1, 2, 1, 1), (2, 6, 5, 3), (1, 38, 2, 3), (2, 10, 7)]
# [batch, channels, ...], reduced channels.
SQUEEZE_EXCITES = [((1, 1, 1, 1), 1), ((2, 16, 5, 3), 4), ((1, 9, 7, 1), 2), ((2, 20, 11), 3)]
# [batch, steps, features], states.
GRUS = [((1, 1, 2), 3), ((1, 3, 1), 1), ((2, 4, 5), 4), ((3, 5, 16), 12)]
MEANS = {"pixels": (2, 3), "rows": 2, "columns": 3}
PEAKS = [(1, 50), (3, 21)]
PADS = [((2, 7), 12), ((1, 9), 8)]


def main():
    torch.set_num_threads(1)
    generator = np.random.default_rng(SEED)
    tensors = {}
    for index, (shape, outputs) in enumerate(CONVOLUTIONS):
        add(tensors, f"conv.{index}", convolution, convolution_case(generator, shape, outputs), generator)
    for index, shape in enumerate(POOLS):
        add(tensors, f"pool.{index}", max_pool, {"input": normal(generator, shape)}, generator)
    for index, shape in enumerate(CEIL_POOLS):
        add(tensors, f"pool_ceil.{index}", ceil_max_pool, {"input": normal(generator, shape)}, generator)
    for index, (batch, inputs, outputs) in enumerate(DENSE):
        case = {
            "input": normal(generator, (batch, inputs)),
            "weight": normal(generator, (outputs, inputs)) / np.float32(np.sqrt(inputs)),
            "bias": normal(generator, (outputs,)),
        }
        add(tensors, f"dense.{index}", functional.linear, case, generator)
    for name, waveform in waveforms(generator).items():
        for pad_mode in ("constant", "reflect"):
            case = f"log_mel_gradient.{name}.{pad_mode}"
            add(tensors, case, LogMel(pad_mode), {"input": waveform}, generator)
            # Kept small: here the f64 values are the reference for f32 as well.
            del tensors[f"{case}.output_f32"], tensors[f"{case}.gradient_f32"]
    # After the others and from numbers of its own, so that those stay what they were.
    add_other_models(tensors, np.random.default_rng(SEED + 1))
    path = HERE / "layers.safetensors"
    save_file(tensors, path, {"made_by": "tests/reference/layer_fixtures.py", "torch": torch.__version__})
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")


def add_other_models(tensors, generator):
    """The layers that VGG13 does without."""
    for index, shape in enumerate(NORMS):
        for name, layer in {"batch_norm": batch_norm, "norm_relu": norm_relu}.items():
            add(tensors, f"{name}.{index}", layer, norm_case(generator, shape, shape[1]), generator)
    for index, shape in enumerate(GATES):
        add(tensors, f"gate.{index}", gate, norm_case(generator, shape, shape[1] // 2), generator)
    for index, (shape, reduced) in enumerate(SQUEEZE_EXCITES):
        case = {"input": normal(generator, shape)}
        for name, (inputs, outputs) in {"squeeze": (shape[1], reduced), "excite": (reduced, shape[1])}.items():
            case[f"{name}_weight"] = normal(generator, (outputs, inputs)) / np.float32(np.sqrt(inputs))
            case[f"{name}_bias"] = normal(generator, (outputs,)) * np.float32(0.5)
        add(tensors, f"squeeze_excite.{index}", squeeze_excite_pool, case, generator)
    for index, (shape, hidden) in enumerate(GRUS):
        case = {"input": normal(generator, shape)}
        for suffix in ("", "_reverse"):
            case[f"weight_ih{suffix}"] = normal(generator, (3 * hidden, shape[2])) / np.float32(np.sqrt(shape[2]))
            case[f"weight_hh{suffix}"] = normal(generator, (3 * hidden, hidden)) / np.float32(np.sqrt(hidden))
            case[f"bias{suffix}"] = normal(generator, (3 * hidden,)) + np.float32(0.5)
        add(tensors, f"gru.{index}", keras_gru, case, generator)
    for name, axes in MEANS.items():
        case = {"input": normal(generator, (2, 3, 5, 4))}
        add(tensors, f"mean.{name}", lambda x, axes=axes: x.mean(axes), case, generator)
    for name, layer in {"softmax": torch.softmax, "log_softmax": torch.log_softmax}.items():
        case = {"input": 3 * normal(generator, (2, 3, 41))}
        add(tensors, f"{name}.0", lambda x, layer=layer: layer(x, -1), case, generator)
    for index, shape in enumerate(PEAKS):
        add(tensors, f"peak.{index}", peak_normalise, {"input": normal(generator, shape)}, generator)
    for index, (shape, least) in enumerate(PADS):
        case = {"input": normal(generator, shape)}
        add(tensors, f"pad.{least}", lambda x, least=least: centre_pad(x, least), case, generator)


def add(tensors, name, layer, case, generator):
    """Computes one case in both precisions and stores it with what went in."""
    upstream = None
    for dtype, suffix in ((torch.float64, ""), (torch.float32, "_f32")):
        arguments = {key: torch.from_numpy(value).to(dtype) for key, value in case.items()}
        x = arguments.pop("input").requires_grad_(True)
        output = layer(x, **arguments)
        if upstream is None:
            upstream = normal(generator, tuple(output.shape))
        output.backward(torch.from_numpy(upstream).to(dtype))
        tensors[f"{name}.output{suffix}"] = output.detach().numpy().copy()
        tensors[f"{name}.gradient{suffix}"] = x.grad.numpy().copy()
    for key, value in case.items():
        tensors[f"{name}.{key}"] = value
    tensors[f"{name}.upstream"] = upstream
    print(f"{name}: f32 against f64: output {deviation(tensors, name, 'output'):.1e}, "
          f"gradient {deviation(tensors, name, 'gradient'):.1e}")


def deviation(tensors, name, what):
    """Largest difference between f32 and f64, relative to the largest magnitude."""
    exact = tensors[f"{name}.{what}"]
    return np.abs(tensors[f"{name}.{what}_f32"] - exact).max() / np.abs(exact).max()


def convolution(x, weight, bias, scale, shift):
    """3x3 "same" convolution, ReLU, folded batch norm."""
    x = functional.relu(functional.conv2d(x, weight, bias, padding=1))
    return x * scale[:, None, None] + shift[:, None, None]


def convolution_case(generator, shape, outputs):
    return {
        "input": normal(generator, shape),
        "weight": normal(generator, (outputs, shape[1], 3, 3)) / np.float32(3 * np.sqrt(shape[1])),
        "bias": normal(generator, (outputs,)) * np.float32(0.1),
        # A trained batch norm can have a negative scale.
        "scale": normal(generator, (outputs,)) + np.float32(0.5),
        "shift": normal(generator, (outputs,)),
    }


def max_pool(x):
    return functional.max_pool2d(x, 2)


def ceil_max_pool(x):
    return functional.max_pool2d(x, 2, ceil_mode=True)


def norm_case(generator, shape, channels):
    return {
        "input": normal(generator, shape),
        "weight": normal(generator, (channels,)),
        "bias": normal(generator, (channels,)) * np.float32(0.5),
        "running_mean": normal(generator, (channels,)) * np.float32(0.5),
        "running_var": np.square(normal(generator, (channels,))) + np.float32(0.1),
    }


def batch_norm(x, weight, bias, running_mean, running_var):
    return functional.batch_norm(x, running_mean, running_var, weight, bias, eps=1e-3)


def norm_relu(x, **norm):
    return functional.relu(batch_norm(x, **norm))


def gate(x, **norm):
    return batch_norm(functional.glu(x, dim=1), **norm)


def squeeze_excite_pool(x, squeeze_weight, squeeze_bias, excite_weight, excite_bias):
    mean = x.flatten(2).mean(2)
    hidden = functional.relu(functional.linear(mean, squeeze_weight, squeeze_bias))
    scale = torch.sigmoid(functional.linear(hidden, excite_weight, excite_bias))
    weighed = x * scale.reshape(*scale.shape, *[1] * (x.dim() - 2))
    pool = functional.max_pool2d if x.dim() == 4 else functional.max_pool1d
    return pool(weighed, 2, ceil_mode=True)


def peak_normalise(x):
    return x / x.abs().max(dim=1, keepdim=True).values


def centre_pad(x, least):
    missing = max(0, least - x.shape[1])
    return functional.pad(x, (missing // 2, missing - missing // 2))


class LogMel:
    """Waveform [N] to log-mel [frames, 64] in dB relative to its maximum, in the input's precision.

    The gradient flows through the maximum too. `pad_mode` is what lies beyond the clip's edges.
    """

    def __init__(self, pad_mode):
        self.pad_mode = pad_mode
        self.filters = torch.from_numpy(librosa.filters.mel(sr=32_000, n_fft=1024, n_mels=64, dtype=np.float64))

    def __call__(self, waveform):
        window = torch.hann_window(1024, dtype=torch.float64).to(waveform.dtype)
        spectrum = torch.stft(
            waveform, 1024, 512, window=window, center=True, pad_mode=self.pad_mode, return_complex=True
        )
        power = self.filters.to(waveform.dtype) @ (spectrum.real.square() + spectrum.imag.square())
        decibels = 10 * power.clamp_min(1e-10).log10()
        return (decibels - decibels.max()).T


def waveforms(generator):
    """A quarter of a second: noise with a sine, and the same with silence in its second half."""
    time = np.arange(8000) / 32_000
    sound = (0.3 * np.sin(2 * np.pi * 1234.5 * time) + 0.05 * generator.standard_normal(8000)).astype(np.float32)
    return {"sound": sound, "half_silent": np.where(time < 0.125, sound, np.float32(0))}


def normal(generator, shape):
    return generator.standard_normal(shape).astype(np.float32)


if __name__ == "__main__":
    main()
