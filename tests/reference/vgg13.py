"""Reference VGG13 in PyTorch: waveform in, label out, differentiable all the way.

This is what the Rust model is compared with; `crnn.py` and `gcnn.py` build on it, `models.py` loads
weights. It needs torch and numpy, and soundfile to read clips.
"""

import json

import numpy as np
import torch
from torch import nn
from torch.nn import functional

SAMPLE_RATE = 32_000
N_FFT = 1024
HOP = 512
BANDS = 64
AMIN = 1e-10
CHUNK = 128
SHORT_REST = 32
WIDTHS = (64, 128, 256, 512, 512)
BN_EPS = 1e-3
LABEL_COUNT = 41


def mel_filters(sample_rate=SAMPLE_RATE, n_fft=N_FFT, bands=BANDS):
    """Slaney mel filters with Slaney (area) normalisation, [bands, n_fft // 2 + 1], f64."""
    break_hz, break_mel, log_step = 1000.0, 15.0, np.log(6.4) / 27.0

    def hz_of(mel):
        linear = mel * (200.0 / 3.0)
        return np.where(mel < break_mel, linear, break_hz * np.exp(log_step * (mel - break_mel)))

    top_mel = break_mel + np.log(sample_rate / 2 / break_hz) / log_step
    edges = hz_of(np.linspace(0.0, top_mel, bands + 2))
    freqs = np.linspace(0.0, sample_rate / 2, n_fft // 2 + 1)
    rising = (freqs - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - freqs) / (edges[2:] - edges[1:-1])[:, None]
    height = 2.0 / (edges[2:] - edges[:-2])
    return np.maximum(0.0, np.minimum(rising, falling)) * height[:, None]


class LogMel(nn.Module):
    """Waveform [N] to log-mel [frames, bands], in dB relative to the clip's own maximum.

    librosa's conventions: centred frames, zeros beyond the edges or what `pad_mode` says, periodic
    Hann, power.
    """

    def __init__(self, pad_mode="zero", hop=HOP):
        super().__init__()
        self.hop = hop
        self.pad_mode = {"zero": "constant", "reflect": "reflect"}[pad_mode]
        # In f64 and rounded where they are used: `double()` would not bring back what `float()` lost,
        # which shows in the gradients of bands 110 dB below the clip's maximum.
        self.window = torch.hann_window(N_FFT, periodic=True, dtype=torch.float64)
        self.mel = torch.from_numpy(mel_filters())

    def forward(self, waveform):
        spectrum = torch.stft(
            waveform, N_FFT, self.hop, window=self.window.to(waveform.dtype), center=True, pad_mode=self.pad_mode, return_complex=True
        )
        # |X|^2 from the parts: abs() has no gradient at exactly zero.
        power = self.mel.to(waveform.dtype) @ (spectrum.real.square() + spectrum.imag.square())
        decibels = 10 * torch.log10(power.clamp_min(AMIN))
        return (decibels - decibels.max()).T


def chunks(log_mel):
    """Cuts [frames, bands] into [chunks, 128, bands] as the authors of the model do.

    A clip shorter than a chunk is padded at its end with its minimum over all bands, taken
    in dB, before the bands are standardised. Otherwise a rest of
    fewer than 32 frames is lost in equal parts at both ends; a longer one makes the last
    128 frames one more, overlapping, chunk.
    """
    whole, rest = divmod(len(log_mel), CHUNK)
    if whole == 0:
        missing = log_mel.min().expand(CHUNK - rest, log_mel.shape[1])
        return torch.cat([log_mel, missing])[None]
    offset = rest // 2 if rest < SHORT_REST else 0
    cut = [log_mel[offset + i * CHUNK : offset + (i + 1) * CHUNK] for i in range(whole)]
    if rest >= SHORT_REST:
        cut.append(log_mel[-CHUNK:])
    return torch.stack(cut)


class Block(nn.Module):
    """Twice [3x3 convolution, ReLU, batch norm], then a 2x2 max pool."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(outputs, eps=BN_EPS)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(outputs, eps=BN_EPS)

    def forward(self, x):
        x = self.bn1(functional.relu(self.conv1(x)))
        x = self.bn2(functional.relu(self.conv2(x)))
        return functional.max_pool2d(x, 2)


class Vgg13(nn.Module):
    """The whole classifier. `labels` are in the order of the scores."""

    def __init__(self, labels, pad_mode="zero"):
        super().__init__()
        self.labels = labels
        self.log_mel = LogMel(pad_mode)
        self.register_buffer("mean", torch.zeros(BANDS))
        self.register_buffer("std", torch.ones(BANDS))
        self.blocks = nn.ModuleList(Block(i, o) for i, o in zip((1, *WIDTHS), WIDTHS))
        self.fc = nn.Linear(WIDTHS[-1], LABEL_COUNT)

    def logits(self, pieces):
        """Standardised chunks [chunks, 128, 64] to logits [chunks, 41]."""
        x = pieces[:, None]
        for block in self.blocks:
            x = block(x)
        return self.fc(x.mean(dim=(2, 3)))

    def chunk_log_probabilities(self, waveform):
        """Waveform [N] to [chunks, 41]."""
        standardised = (chunks(self.log_mel(waveform)) - self.mean) / self.std
        return functional.log_softmax(self.logits(standardised), dim=-1)

    def scores(self, waveform):
        """Waveform [N] to [41]: the log-probabilities, averaged over the chunks.

        Normalised only if there is one chunk. This is what attacks differentiate.
        """
        return self.chunk_log_probabilities(waveform).mean(dim=0)

    def probabilities(self, waveform):
        """Waveform [N] to [41]: the chunks' normalised geometric mean."""
        return functional.softmax(self.scores(waveform), dim=-1)

    def top(self, waveform, count=3):
        """The most probable labels, [(label, probability)], without gradient."""
        with torch.no_grad():
            best = self.probabilities(waveform).topk(count)
        return [(self.labels[i], float(p)) for p, i in zip(best.values, best.indices)]


def parse_labels(text):
    """Labels as safetensors metadata holds them: a JSON list, or separated by commas."""
    return json.loads(text) if text.lstrip().startswith("[") else [x.strip() for x in text.split(",")]


def read(path):
    """A mono clip at 32 kHz as f32 [N]."""
    import soundfile

    samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    if rate != SAMPLE_RATE or samples.shape[1] != 1:
        raise ValueError(f"{path}: {rate} Hz, {samples.shape[1]} channels instead of mono at {SAMPLE_RATE} Hz")
    return torch.from_numpy(samples[:, 0].copy())
