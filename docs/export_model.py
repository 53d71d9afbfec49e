"""How to bring your own model: PyTorch networks whose weights Mondegreen reads, and their export.

The five classes at the end are the five architectures, with parameters named as in the file. Train one
of them with your own loop on your own labels, then call `export`. See bring-your-own-model.md.

A small example trains a VGG13 on three kinds of synthetic sound (a minute on two cores) and exports it:

    pip install torch numpy safetensors soundfile
    python export_model.py example my-sounds.safetensors
    mondegreen classify assets/clips/glockenspiel.flac --model my-sounds.safetensors
    python export_model.py classify my-sounds.safetensors assets/clips/glockenspiel.flac

The last two print the same probabilities, one from Mondegreen, one from PyTorch.
"""

import argparse
import json

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

SAMPLE_RATE = 32_000
BN_EPS = 1e-3  # not PyTorch's default
HEADS = 8  # of the dense networks


# The file


def export(model, path, labels, half=True, **facts):
    """Writes a model for Mondegreen.

    `labels` are names in the order of the outputs. With `half` kernels become f16; norms and biases are
    few and stay f32. `facts` are shown beside the model: test_accuracy=0.87, training_data="...".
    """
    tensors = {}
    for name, value in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue  # PyTorch counts batches; nobody needs it later
        value = value.detach().cpu()
        tensors[name] = value.to(torch.float16 if half and value.dim() > 1 else torch.float32).contiguous()
    metadata = {
        "model": model.NAME,
        "labels": json.dumps(labels),
        "sample_rate": str(SAMPLE_RATE),
        "pad_mode": "zero",  # log-mels of clips padded with zeros; "reflect" as librosa before 0.10
        **{key: str(value) for key, value in facts.items()},
    }
    save_file(tensors, path, metadata)


def load(path):
    """A VGG13, CRNN or GCNN from a file, and its labels."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}
        metadata = file.metadata()
    labels = json.loads(metadata["labels"])
    networks = {network.NAME: network for network in NETWORKS[:3]}
    if metadata["model"] not in networks or metadata["pad_mode"] != "zero":
        raise SystemExit(f"{path}: this script names clips with {', '.join(networks)} and pad_mode zero only")
    model = networks[metadata["model"]](len(labels))
    keys = model.load_state_dict(tensors, strict=False)
    missing = [key for key in keys.missing_keys if not key.endswith("num_batches_tracked")]
    if missing or keys.unexpected_keys:
        raise SystemExit(f"{path}: missing {missing}, left over {keys.unexpected_keys}")
    return model.eval(), labels


# The log-mel of VGG13, CRNN and GCNN


def mel_filters(bands=64, n_fft=1024):
    """Slaney mel filters with Slaney (area) normalisation, [bands, n_fft // 2 + 1]."""
    linear, step = 200.0 / 3.0, np.log(6.4) / 27.0
    top = 15.0 + np.log(SAMPLE_RATE / 2 / 1000.0) / step
    mel = np.linspace(0.0, top, bands + 2)
    edges = np.where(mel < 15.0, mel * linear, 1000.0 * np.exp(step * (mel - 15.0)))
    hz = np.linspace(0.0, SAMPLE_RATE / 2, n_fft // 2 + 1)
    up = (hz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    down = (edges[2:, None] - hz) / np.diff(edges)[1:, None]
    return np.maximum(0.0, np.minimum(up, down)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]


def log_mel(waveform, hop=512):
    """Waveform [N] at 32 kHz to dB below its own maximum, [frames, 64]."""
    window = torch.hann_window(1024, periodic=True, dtype=torch.float64)
    spectrum = torch.stft(
        waveform.double(), 1024, hop, window=window, center=True, pad_mode="constant", return_complex=True
    )
    power = torch.from_numpy(mel_filters()) @ spectrum.abs().square()
    decibels = 10 * torch.log10(power.clamp_min(1e-10))
    return (decibels - decibels.max()).T.float()


def chunks(frames):
    """Cuts [frames, 64] into [chunks, 128, 64] as Mondegreen does.

    A short clip is padded at its end with its minimum. A rest of fewer than 32 frames is lost in equal
    parts at both ends; a longer one makes the last 128 frames one more, overlapping, chunk.
    """
    whole, rest = divmod(len(frames), 128)
    if whole == 0:
        return torch.cat([frames, frames.min().expand(128 - rest, 64)])[None]
    start = rest // 2 if rest < 32 else 0
    cut = [frames[start + i * 128 :][:128] for i in range(whole)]
    return torch.stack(cut + ([frames[-128:]] if rest >= 32 else []))


# VGG13, CRNN, GCNN


class Block(nn.Module):
    """Twice [3x3 convolution, ReLU, batch norm] (in this order), then a 2x2 max pool.

    Images are [batch, channels, time, mel bands]. With `gated` a convolution has twice the channels:
    the first half times the sigmoid of the second takes the place of the ReLU.
    """

    def __init__(self, inputs, outputs, gated):
        super().__init__()
        self.gated = gated
        wide = 2 * outputs if gated else outputs
        self.conv1 = nn.Conv2d(inputs, wide, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(outputs, eps=BN_EPS)
        self.conv2 = nn.Conv2d(outputs, wide, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(outputs, eps=BN_EPS)

    def forward(self, x):
        for conv, norm in ((self.conv1, self.bn1), (self.conv2, self.bn2)):
            x = conv(x)
            x = functional.glu(x, dim=1) if self.gated else functional.relu(x)
            x = norm(x)
        return functional.max_pool2d(x, 2)


class Vgg13(nn.Module):
    """Log-mel chunks [B, 128, 64] to logits [B, labels]."""

    NAME = "vgg13"
    GATED = False
    WIDTHS = (64, 128, 256, 512, 512)

    def __init__(self, labels):
        super().__init__()
        # Of the training data's log-mels, per band. They are in the file.
        self.register_buffer("mean", torch.zeros(64))
        self.register_buffer("std", torch.ones(64))
        self.blocks = nn.ModuleList(Block(i, o, self.GATED) for i, o in zip((1, *self.WIDTHS), self.WIDTHS))
        self.fc = nn.Linear(self.WIDTHS[-1], labels)

    def features(self, pieces):
        x = ((pieces - self.mean) / self.std)[:, None]
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, pieces):
        return self.fc(self.features(pieces).mean(dim=(2, 3)))

    def probabilities(self, waveform):
        """Waveform [N] to [labels]: chunks' log-probabilities are averaged."""
        scores = functional.log_softmax(self(chunks(log_mel(waveform))), dim=1).mean(dim=0)
        return functional.softmax(scores, dim=0)


class Gcnn(Vgg13):
    NAME = "gcnn"
    GATED = True


class KerasGru(nn.Module):
    """A bidirectional GRU as Keras 2.2.4 has it, with ReLU for the candidate; PyTorch's is another one.

    The gates lie one below the other as in PyTorch: reset, update, candidate. From Keras' `kernel`
    [inputs, 3 * states] with its order update, reset, candidate: transpose, and swap the first two.
    """

    def __init__(self, inputs, states):
        super().__init__()
        for suffix in ("", "_reverse"):
            self.register_parameter("weight_ih" + suffix, nn.Parameter(torch.randn(3 * states, inputs) / inputs**0.5))
            self.register_parameter("weight_hh" + suffix, nn.Parameter(torch.randn(3 * states, states) / states**0.5))
            self.register_parameter("bias" + suffix, nn.Parameter(torch.zeros(3 * states)))

    def forward(self, x):
        forwards = self.run(x, self.weight_ih, self.weight_hh, self.bias)
        backwards = self.run(x.flip(1), self.weight_ih_reverse, self.weight_hh_reverse, self.bias_reverse)
        return torch.cat([forwards, backwards.flip(1)], dim=2)

    @staticmethod
    def run(x, weight_ih, weight_hh, bias):
        u_reset, u_update, u_candidate = weight_hh.chunk(3)
        state, states = x.new_zeros(len(x), len(u_reset)), []
        for step in (x @ weight_ih.T + bias).unbind(1):
            to_reset, to_update, to_candidate = step.chunk(3, dim=1)
            reset = (0.2 * (to_reset + state @ u_reset.T) + 0.5).clamp(0, 1)
            update = (0.2 * (to_update + state @ u_update.T) + 0.5).clamp(0, 1)
            candidate = functional.relu(to_candidate + (reset * state) @ u_candidate.T)
            state = update * state + (1 - update) * candidate
            states.append(state)
        return torch.stack(states, dim=1)


class Crnn(Vgg13):
    NAME = "crnn"

    def __init__(self, labels):
        super().__init__(labels)
        self.gru = KerasGru(512, 512)
        self.fc = nn.Linear(1024, labels)

    def forward(self, pieces):
        steps = self.features(pieces).mean(dim=3).transpose(1, 2)
        return self.fc(self.gru(steps).mean(dim=1))


# Dense-mel, dense-wav


class SqueezeExcite(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, width // 2)
        self.fc2 = nn.Linear(width // 2, width)

    def forward(self, x):
        weights = torch.sigmoid(self.fc2(functional.relu(self.fc1(x.flatten(2).mean(dim=2)))))
        return x * weights.reshape(*weights.shape, *[1] * (x.dim() - 2))


class DenseBlock(nn.Module):
    """Its input is joined behind what it adds; pools keep an odd last row or column."""

    def __init__(self, inputs, width, axes):
        super().__init__()
        conv, norm = (nn.Conv2d, nn.BatchNorm2d) if axes == 2 else (nn.Conv1d, nn.BatchNorm1d)
        self.pool = functional.max_pool2d if axes == 2 else functional.max_pool1d
        self.bn1 = norm(inputs, eps=BN_EPS)
        self.conv1 = conv(inputs, width, 1, bias=False)
        self.bn2 = norm(width, eps=BN_EPS)
        self.conv2 = conv(width, width, 3, padding=1)
        self.se = SqueezeExcite(width)

    def forward(self, x):
        y = self.conv1(functional.relu(self.bn1(x)))
        y = self.se(self.conv2(functional.relu(self.bn2(y))))
        return self.pool(torch.cat([y, x], dim=1), 2, ceil_mode=True)


class DenseNet(nn.Module):
    """What both have behind their first layers: [B, channels, ...] to probabilities [B, labels]."""

    def build(self, inputs, widths, axes, labels):
        blocks = []
        for width in widths:
            blocks.append(DenseBlock(inputs, width, axes))
            inputs += width
        self.blocks = nn.ModuleList(blocks)
        self.bn_out = (nn.BatchNorm2d if axes == 2 else nn.BatchNorm1d)(inputs, eps=BN_EPS)
        self.heads = nn.Linear(inputs, HEADS * labels)  # head by head

    def tail(self, x):
        for block in self.blocks:
            x = block(x)
        x = functional.relu(self.bn_out(x)).flatten(2).mean(dim=2)
        return self.heads(x).reshape(len(x), HEADS, -1).softmax(dim=2).mean(dim=1)


class DenseMel(DenseNet):
    """Log-mels with hop 128 of the clip (divided by its peak, centred in at least 2 s of silence,
    standardised by `mean` and `std`): [B, frames, 64]."""

    NAME = "dense-mel"

    def __init__(self, labels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1))  # of the training data's samples
        self.register_buffer("std", torch.ones(1))
        self.bn0 = nn.BatchNorm1d(64, eps=BN_EPS)
        self.conv0 = nn.Conv2d(1, 15, 3, padding=1, bias=False)
        self.build(16, (16, 32, 64, 128, 256, 512, 512, 512), 2, labels)

    def forward(self, frames):
        x = self.bn0(frames.transpose(1, 2)).transpose(1, 2)[:, None]
        return self.tail(torch.cat([x, self.conv0(x)], dim=1))


class DenseWav(DenseNet):
    """The clip divided by its peak, centred in at least 2 s of silence: [B, samples]."""

    NAME = "dense-wav"

    def __init__(self, labels):
        super().__init__()
        self.bn0 = nn.BatchNorm1d(1, eps=BN_EPS)
        self.filters = nn.Conv1d(1, 64, 400, stride=16, padding=192, bias=False)
        self.bn_filters = nn.BatchNorm1d(64, eps=BN_EPS)
        self.build(64, (64, 64, 128, 128, 256, 256, 512, 512), 1, labels)

    def forward(self, waveform):
        waveform = functional.pad(waveform, (0, -waveform.shape[1] % 16))
        x = functional.relu(self.bn_filters(self.filters(self.bn0(waveform[:, None]))))
        for _ in range(2):
            x = functional.max_pool1d(x, 2, ceil_mode=True)
        return self.tail(torch.log1p(x))


NETWORKS = (Vgg13, Crnn, Gcnn, DenseMel, DenseWav)


# The example


def sound(kind, generator):
    """Two seconds of a bell-like tone, of noise, or of clicks."""
    time = torch.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    random = lambda low, high: low + (high - low) * float(torch.rand((), generator=generator))
    if kind == "Bell":
        pitch = random(300, 3000)
        partials = [torch.sin(2 * torch.pi * pitch * k * time) * torch.exp(-random(1, 6) * time) / k for k in (1, 2.76, 5.4)]
        return sum(partials) * 0.3
    noise = torch.randn(len(time), generator=generator)
    if kind == "Noise":
        return noise * random(0.05, 0.3)
    every = int(random(2000, 12000))
    return noise * torch.exp(-(torch.arange(len(time)) % every) / random(20, 200)) * 0.3


def example(path, steps):
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    labels = ["Bell", "Clicks", "Noise"]
    pieces, targets = [], []
    for index in range(60):
        pieces.append(log_mel(sound(labels[index % 3], generator))[:64])
        targets.append(index % 3)
    pieces, targets = torch.stack(pieces), torch.tensor(targets)
    model = Vgg13(len(labels))
    model.mean.copy_(pieces.mean(dim=(0, 1)))
    model.std.copy_(pieces.std(dim=(0, 1)))
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-4)
    for step in range(steps):
        batch = torch.randperm(48, generator=generator)[:12]
        loss = functional.cross_entropy(model(pieces[batch]), targets[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        print(f"step {step + 1} of {steps}: loss {loss.item():.3f}", flush=True)
    model.eval()
    with torch.no_grad():
        accuracy = (model(pieces[48:]).argmax(dim=1) == targets[48:]).float().mean().item()
    export(model, path, labels, test_accuracy=round(accuracy, 4), training_data="48 synthetic sounds of three kinds")
    print(f"{path}: {accuracy:.0%} of the 12 held-out sounds are named correctly")


def classify(path, clips):
    import soundfile

    model, labels = load(path)
    for clip in clips:
        samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
        assert rate == SAMPLE_RATE, f"{clip} is at {rate} Hz; this script does not resample"
        with torch.no_grad():
            probabilities = model.probabilities(torch.from_numpy(samples.mean(axis=1)))
        print(clip, *(f"{label} {p:.6f}" for label, p in zip(labels, probabilities)), sep="  ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = parser.add_subparsers(dest="task", required=True)
    task = tasks.add_parser("example", help="train a small VGG13 with three labels and export it")
    task.add_argument("path")
    task.add_argument("--steps", type=int, default=40)
    task = tasks.add_parser("classify", help="name clips by a VGG13, CRNN or GCNN, in PyTorch")
    task.add_argument("path")
    task.add_argument("clips", nargs="+")
    options = parser.parse_args()
    if options.task == "example":
        example(options.path, options.steps)
    else:
        classify(options.path, options.clips)


if __name__ == "__main__":
    main()
